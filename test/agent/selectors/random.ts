import type { ActiveSelector } from "../../../agent/selectors/types.ts";
import type { Hook, Operator, Predicate, Selector } from "../../../bus/types/selector.ts";

/** A seeded generator (mulberry32), so that a failure can be had again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.below(most) }, make);
  }
}

/** What selectors speak of, so that a test on a real kernel can offer what it has. */
export interface Vocabulary {
  paths: readonly string[];
  uids: readonly number[];
  addresses: readonly string[];
  networks: readonly string[];
  ports: readonly number[];
}

const LONG = `/${"long/".repeat(60)}end`;

export const VOCABULARY: Vocabulary = {
  paths: [
    ...["/bin/sh", "/usr/bin/sh", "/usr/bin/bash", "/usr/bin/python3", "/usr/local/bin/sh", "/u", "/", "/usr"],
    ...["/usr/bin/ab", "/usr/bin/abc", "/usr/bin/abcdefgh", "/usr/bin/abcdefghi", "/tmp/x", "/tmp/x.sh", "/a/b.sh"],
    ...["/12345678", "/1234567", "/123456781234567", "/1234567812345678", LONG.slice(0, 255), LONG, "/ä/ü"],
  ],
  uids: [0, 1, 2, 1000, 1001, 65534, 4294967295],
  addresses: [
    "127.0.0.1",
    "127.0.0.2",
    "10.0.0.1",
    "10.1.2.3",
    "192.168.1.1",
    "255.255.255.255",
    "::1",
    "fd00::1",
    "fd00:1::7",
    "::ffff:10.0.0.1",
    "fe80::1",
  ],
  networks: [
    "127.0.0.0/8",
    "127.0.0.0/31",
    "10.0.0.0/8",
    "10.0.0.0/15",
    "0.0.0.0/0",
    "::/0",
    "fd00::/8",
    "fd00::/31",
    "::1/128",
    "::ffff:10.0.0.0/104",
    "10.1.2.3/32",
    "128.0.0.0/1",
  ],
  ports: [0, 1, 22, 80, 443, 1023, 1024, 8080, 65534, 65535],
};

/** A random selector; `now` is where deadlines lie around. */
export function randomSelector(random: Random, hook: Hook, id: number, now: bigint, words: Vocabulary): ActiveSelector {
  const match = Array.from({ length: random.below(5) }, () => randomPredicate(random, hook, words));
  const selector: Selector = {
    id: `s${id}`,
    hook,
    action: random.pick(["deny", "kill", "signal"]),
    mode: random.pick(["monitor", "enforce"]),
    priority: random.below(4) - 1,
    rate: null,
    match,
    scope: {},
    because: {},
  };
  return { entry: "e", selector, deadline: random.chance(3) ? now + BigInt(random.below(100) - 60) : null };
}

function randomPredicate(random: Random, hook: Hook, words: Vocabulary): Predicate {
  const not = (op: string): Operator =>
    (random.chance(4) ? `not${op[0]!.toUpperCase()}${op.slice(1)}` : op) as Operator;
  const kind = random.below(hook === "network_connect" ? 7 : 4);
  switch (kind) {
    case 0:
    case 1: {
      const op = random.pick(["in", "prefix", "suffix"]);
      const values = random.some(3, () => {
        const path = random.pick(words.paths.filter((one) => Buffer.byteLength(one) <= 255));
        if (op === "prefix") return path.slice(0, 1 + random.below(path.length));
        return op === "suffix" ? path.slice(random.below(path.length)) : path;
      });
      return { field: kind === 0 ? "process.binary" : "parent.binary", op: not(op), values };
    }
    case 2:
      return { field: "process.uid", op: not("in"), values: random.some(3, () => random.pick(words.uids)) };
    case 3:
      return { field: "process.uid", op: not("range"), values: random.some(2, () => range(random, words.uids)) };
    case 4:
      return { field: "socket.dport", op: not("in"), values: random.some(3, () => random.pick(words.ports)) };
    case 5:
      return { field: "socket.dport", op: not("range"), values: random.some(2, () => range(random, words.ports)) };
    default:
      return random.chance(2)
        ? { field: "socket.daddr", op: not("cidr"), values: random.some(3, () => random.pick(words.networks)) }
        : { field: "socket.daddr", op: not("in"), values: random.some(3, () => random.pick(words.addresses)) };
  }
}

function range(random: Random, values: readonly number[]): [number, number] {
  const [a, b] = [random.pick(values), random.pick(values)];
  return a < b ? [a, b] : [b, a];
}
