import { describe, expect, it } from "vitest";
import { parseNetwork } from "../../../agent/selectors/address.ts";
import { compile } from "../../../agent/selectors/compile.ts";
import { prefixesOf } from "../../../agent/selectors/intervals.ts";
import { normalize, type NormalSelector } from "../../../agent/selectors/normalize.ts";
import { decide, type OracleEvent } from "../../../agent/selectors/oracle.ts";
import { PathHash } from "../../../agent/selectors/path-hash.ts";
import { ScopeSets } from "../../../agent/selectors/scope-sets.ts";
import { type Hook, HOOKS } from "../../../bus/types/selector.ts";
import { Model } from "./model.ts";
import { Random, randomSelector, VOCABULARY } from "./random.ts";

const ABILITIES = HOOKS.map((hook) => ({ hook, rung: "test", actions: ["deny", "kill", "signal"] as const }));
const MEMBERS = ["cgroup:1", "cgroup:2", "cgroup:3"];
const TREES = ["tree:a", "tree:b"];

function subset(random: Random, values: readonly string[]): string[] {
  return values.filter(() => random.chance(2));
}

function randomNormal(random: Random, hook: Hook, count: number, now: bigint): NormalSelector[] {
  return Array.from({ length: count }, (_, id) =>
    normalize(randomSelector(random, hook, id, now, VOCABULARY), ABILITIES, {
      cgroups: random.chance(3) ? subset(random, MEMBERS) : [],
      tree: random.chance(4) ? random.pick(TREES) : null,
    }),
  );
}

function randomEvent(random: Random, hook: Hook, now: bigint): OracleEvent {
  const path = () => (random.chance(20) ? null : random.pick(VOCABULARY.paths) + (random.chance(4) ? "/x.sh" : ""));
  const { family, bytes } = parseNetwork(random.pick(VOCABULARY.addresses))!;
  const port = random.chance(2) ? random.pick(VOCABULARY.ports) : random.below(65536);
  return {
    binary: path(),
    parent: path(),
    uid: random.pick(VOCABULARY.uids),
    cgroups: new Set(subset(random, MEMBERS)),
    trees: random.chance(20) ? null : new Set(subset(random, TREES)),
    ...(hook === "network_connect" ? { destination: { family, bytes, port } } : {}),
    now,
  };
}

describe("compiled tables say what the naive matcher says", () => {
  it.each([
    [1, 1, 400],
    [2, 5, 200],
    [3, 30, 60],
    [4, 100, 20],
    [5, 700, 4],
  ])("seed %i: policies of %i selectors, %i of them", (seed, size, policies) => {
    const random = new Random(seed);
    let decided = 0;
    for (let policy = 0; policy < policies; policy++) {
      const now = 1_000_000n;
      const hook = random.pick(HOOKS);
      const sets = new ScopeSets();
      const hash = new PathHash(BigInt(random.below(2 ** 31)) << 20n);
      const selectors = randomNormal(random, hook, size, now);
      const events = Array.from({ length: 50 }, () => randomEvent(random, hook, now));
      for (const event of events) {
        sets.numberOf(event.cgroups);
        sets.numberOf(event.trees ?? []);
      }
      const model = new Model(compile(selectors, sets, hash), hash);
      for (const event of events) {
        const cgroupSet = sets.numberOf(event.cgroups);
        const treeSet = event.trees === null ? null : sets.numberOf(event.trees);
        const got = model.decide({ ...event, cgroupSet, treeSet });
        const wanted = decide(selectors, event);
        const plain = (one: [NormalSelector, boolean] | undefined) => one && [one[0].source.selector.id, one[1]];
        expect({ monitored: got.monitored.map(plain), decided: plain(got.decided) }).toEqual({
          monitored: wanted.monitored.map(({ selector, undecided }) => [selector.source.selector.id, undecided]),
          decided: wanted.decided && [wanted.decided.selector.source.selector.id, wanted.decided.undecided],
        });
        if (got.decided) decided++;
      }
    }
    expect(decided).toBeGreaterThan(0);
  });
});

describe("prefixes", () => {
  it.each([
    [0, 65535, 1],
    [0, 0, 1],
    [1, 65534, 30],
    [1024, 2047, 1],
    [80, 81, 1],
  ])("of %i..%i", (low, high, count) => {
    const prefixes = prefixesOf(low, high, 16);
    expect(prefixes).toHaveLength(count);
    expect(prefixes.reduce((sum, { bits }) => sum + 2 ** (16 - bits), 0)).toBe(high - low + 1);
  });
});

describe("addresses", () => {
  it.each([
    ["10.1.2.3/8", { family: 4, bits: 8, bytes: [10, 0, 0, 0] }],
    ["::ffff:10.1.2.3/104", { family: 4, bits: 8, bytes: [10, 0, 0, 0] }],
    ["::1", { family: 6, bits: 128, bytes: [...Array<number>(15).fill(0), 1] }],
    ["fd00:1:2::/31", { family: 6, bits: 31, bytes: [0xfd, ...Array<number>(15).fill(0)] }],
    [
      "2001:db8::1:2:3.4.5.6",
      { family: 6, bits: 128, bytes: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 1, 0, 2, 3, 4, 5, 6] },
    ],
  ])("%s", (text, { family, bits, bytes }) => {
    const parsed = parseNetwork(text)!;
    expect({ ...parsed, bytes: [...parsed.bytes] }).toEqual({ family, bits, bytes });
  });

  it.each(["", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/8/8", "localhost", "fe80::1%eth0", "10.0.0.0/-1"])(
    "not %j",
    (text) => {
      expect(parseNetwork(text)).toBeUndefined();
    },
  );
});

describe("10,000 selectors", () => {
  it("compile in well under a second", () => {
    const selectors = randomNormal(new Random(6), "network_connect", 10_000, 0n);
    const began = performance.now();
    compile(selectors, new ScopeSets(), new PathHash(1n));
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
