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
  namespaces: readonly number[];
  inodes: readonly number[];
  devices: readonly number[];
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
  namespaces: [4026531840, 4026531841, 4026532000],
  inodes: [0, 1, 2, 4711, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1],
  devices: [0, 8 * 2 ** 20 + 1, 253 * 2 ** 20],
};
const CAPABILITIES = ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_NET_RAW", "CAP_SYS_MODULE"];
const FLAGS = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"];

/** A random selector; `now` is where deadlines lie around. */
export function randomSelector(random: Random, hook: Hook, id: number, now: bigint, words: Vocabulary): ActiveSelector {
  const match = Array.from({ length: random.below(5) }, () => randomPredicate(random, hook, words));
  const selector: Selector = {
    id: `s${id}`,
    hook,
    action: random.pick(["deny", "kill", "signal", "deny", "post", "noPost"]),
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
  const kinds = [pathPredicate, pathPredicate, ancestors, idPredicate, idRange, capability, property, namespace];
  const own: Partial<Record<Hook, (typeof kinds)[number][]>> = {
    network_connect: [port, port, address, protocol],
    file_open: [file, file, flags],
  };
  return random.pick([...kinds, ...(own[hook] ?? [])])(random, words);
}

function not(random: Random, op: string): Operator {
  return (random.chance(4) ? `not${op[0]!.toUpperCase()}${op.slice(1)}` : op) as Operator;
}

function texts(random: Random, op: string, paths: readonly string[]): string[] {
  return random.some(3, () => {
    const path = random.pick(paths.filter((one) => Buffer.byteLength(one) <= 255));
    if (op === "prefix") return path.slice(0, 1 + random.below(path.length));
    return op === "suffix" ? path.slice(random.below(path.length)) : path;
  });
}

function pathPredicate(random: Random, words: Vocabulary): Predicate {
  const op = random.pick(["in", "prefix", "suffix"]);
  const field = random.pick(["process.binary", "parent.binary"]);
  return { field, op: not(random, op), values: texts(random, op, words.paths) };
}

/** Few texts, one at a time: all selectors together have a bit for each, and a hook a test for each list. */
function ancestors(random: Random, words: Vocabulary): Predicate {
  const paths = words.paths.filter((path) => Buffer.byteLength(path) <= 255).slice(0, 5);
  const op = random.pick(["in", "prefix"]);
  const text = () => {
    const path = random.pick(paths);
    return op === "in" ? path : path.slice(0, path.lastIndexOf("/") + 1);
  };
  return { field: "ancestors.binary", op: not(random, op), values: [text()] };
}

function idPredicate(random: Random, words: Vocabulary): Predicate {
  const field = random.pick(["process.uid", "process.gid", "process.auid"]);
  return { field, op: not(random, "in"), values: random.some(3, () => random.pick(words.uids)) };
}

function idRange(random: Random, words: Vocabulary): Predicate {
  const field = random.pick(["process.uid", "process.gid"]);
  if (random.chance(4)) return { field, op: "mask", values: [random.pick([1, 6, 1000])] };
  return { field, op: not(random, "range"), values: random.some(2, () => range(random, words.uids)) };
}

function capability(random: Random): Predicate {
  const field = random.pick(["process.cap.effective", "process.cap.permitted"]);
  return { field, op: not(random, "in"), values: random.some(2, () => random.pick(CAPABILITIES)) };
}

function property(random: Random): Predicate {
  const field = random.pick(["process.set_id", "process.memfd", "process.upper_layer", "process.in_container"]);
  return { field, op: "in", values: [random.pick(["true", "false"])] };
}

function namespace(random: Random, words: Vocabulary): Predicate {
  const field = random.pick(["process.ns.mnt", "process.ns.net"]);
  return { field, op: not(random, "in"), values: random.some(2, () => random.pick(words.namespaces)) };
}

function port(random: Random, words: Vocabulary): Predicate {
  if (random.chance(2))
    return { field: "socket.dport", op: not(random, "in"), values: random.some(3, () => random.pick(words.ports)) };
  return { field: "socket.dport", op: not(random, "range"), values: random.some(2, () => range(random, words.ports)) };
}

function protocol(random: Random): Predicate {
  return { field: "socket.protocol", op: not(random, "in"), values: [random.pick(["tcp", "udp", 1])] };
}

function address(random: Random, words: Vocabulary): Predicate {
  const [op, values] = random.chance(2) ? ["cidr", words.networks] : ["in", words.addresses];
  return { field: "socket.daddr", op: not(random, op), values: random.some(3, () => random.pick(values)) };
}

function file(random: Random, words: Vocabulary): Predicate {
  if (random.chance(3)) {
    const field = "file.inode";
    if (random.chance(2)) return { field, op: not(random, "range"), values: [range(random, words.inodes)] };
    return { field, op: not(random, "in"), values: random.some(3, () => random.pick(words.inodes)) };
  }
  if (random.chance(4)) return { field: "file.device", op: not(random, "in"), values: ["8:1"] };
  const op = random.pick(["in", "prefix", "suffix"]);
  return { field: "file.path", op: not(random, op), values: texts(random, op, words.paths) };
}

function flags(random: Random): Predicate {
  return { field: "file.flags", op: "mask", values: random.some(2, () => random.pick(FLAGS)) };
}

function range(random: Random, values: readonly number[]): [number, number] {
  const [a, b] = [random.pick(values), random.pick(values)];
  return a < b ? [a, b] : [b, a];
}
