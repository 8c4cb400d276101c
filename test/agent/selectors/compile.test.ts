import { describe, expect, it } from "vitest";
import { parseNetwork } from "../../../agent/selectors/address.ts";
import { prefixesOf } from "../../../agent/selectors/domains.ts";
import { HookTables, TablesFull } from "../../../agent/selectors/hook-tables.ts";
import { LineageTexts } from "../../../agent/selectors/lineage-texts.ts";
import { normalize, type NormalSelector } from "../../../agent/selectors/normalize.ts";
import { decide, type OracleEvent } from "../../../agent/selectors/oracle.ts";
import { OPERAND } from "../../../agent/selectors/operands.ts";
import { PathHash } from "../../../agent/selectors/path-hash.ts";
import { ScopeSets } from "../../../agent/selectors/scope-sets.ts";
import { type Hook, HOOKS } from "../../../bus/types/selector.ts";
import { Model } from "./model.ts";
import { Random, randomSelector, VOCABULARY } from "./random.ts";

const ACTIONS = ["deny", "kill", "signal", "post", "noPost"] as const;
const ABILITIES = HOOKS.map((hook) => ({ hook, rung: "test", actions: ACTIONS }));
const MEMBERS = ["cgroup:1", "cgroup:2", "cgroup:3"];
const TREES = ["tree:a", "tree:b"];
const NOW = 1_000_000n;
const LINEAGE = new LineageTexts();

function subset(random: Random, values: readonly string[]): string[] {
  return values.filter(() => random.chance(2));
}

function randomNormals(random: Random, hook: Hook, count: number, first = 0): NormalSelector[] {
  return Array.from({ length: count }, (_, id) =>
    normalize(
      randomSelector(random, hook, first + id, NOW, VOCABULARY),
      ABILITIES,
      {
        cgroups: random.chance(3) ? subset(random, MEMBERS) : [],
        tree: random.chance(4) ? random.pick(TREES) : null,
      },
      false,
      LINEAGE,
    ),
  );
}

function randomEvent(random: Random, hook: Hook): OracleEvent {
  const path = () => (random.chance(20) ? null : random.pick(VOCABULARY.paths) + (random.chance(4) ? "/x.sh" : ""));
  const { family, bytes } = parseNetwork(random.pick(VOCABULARY.addresses))!;
  const port = random.chance(2) ? random.pick(VOCABULARY.ports) : random.below(65536);
  const bits = () => BigInt(random.below(1 << 20)) & BigInt(random.below(1 << 20));
  const numbers = {
    [OPERAND.uid]: random.pick(VOCABULARY.uids),
    [OPERAND.gid]: random.pick(VOCABULARY.uids),
    [OPERAND.auid]: random.pick(VOCABULARY.uids),
    [OPERAND.namespace]: random.pick(VOCABULARY.namespaces),
    [OPERAND.namespace + 2]: random.pick(VOCABULARY.namespaces),
  };
  return {
    ...{ binary: path(), parent: path(), now: NOW },
    ancestors: random.chance(20) ? null : random.some(3, () => random.pick(VOCABULARY.paths)),
    cgroups: new Set(subset(random, MEMBERS)),
    trees: random.chance(20) ? null : new Set(subset(random, TREES)),
    masks: {
      [OPERAND.capEffective]: bits(),
      [OPERAND.capPermitted]: bits(),
      [OPERAND.properties]: random.chance(20) ? null : BigInt(random.below(16)),
      ...(hook === "file_open" ? { [OPERAND.own + 5]: bits() } : {}),
    },
    ...(hook === "network_connect" ? { address: { family, bytes } } : {}),
    ...(hook === "file_open" ? { path: path() } : {}),
    numbers: {
      ...numbers,
      ...(hook === "network_connect" ? { [OPERAND.own + 1]: port, [OPERAND.own + 2]: random.pick([6, 17]) } : {}),
      ...(hook === "file_open"
        ? { [OPERAND.own + 3]: random.pick(VOCABULARY.inodes), [OPERAND.own + 4]: random.pick(VOCABULARY.devices) }
        : {}),
    },
  };
}

/** Compares tables with the naive matcher on events; returns how many were decided. */
function compare(random: Random, tables: HookTables, sets: ScopeSets, events: readonly OracleEvent[]) {
  const every = random.chance(3);
  const model = new Model(tables);
  const placed = tables.selectors.flatMap((selector, place) => (selector ? [{ selector, place }] : []));
  let decided = 0;
  for (const event of events) {
    const cgroupSet = sets.numberOf(event.cgroups);
    const treeSet = event.trees === null ? null : sets.numberOf(event.trees);
    const lineage = event.ancestors && event.ancestors.reduce((bits, path) => bits | LINEAGE.of(path), 0n);
    const masks = { ...event.masks, [OPERAND.lineage]: lineage ?? null };
    const got = model.decide({ ...event, masks, cgroupSet, treeSet }, every);
    const wanted = decide(placed, event, every);
    const plain = (one: { selector: NormalSelector; undecided: boolean } | undefined) =>
      one && [one.selector.source.selector.id, one.undecided];
    expect({ ...got, told: got.told.map(plain), decided: plain(got.decided), posting: plain(got.posting) }).toEqual({
      ...wanted,
      ...{ told: wanted.told.map(plain), decided: plain(wanted.decided), posting: plain(wanted.posting) },
    });
    if (got.decided) decided++;
  }
  return decided;
}

function setsFor(events: readonly OracleEvent[]): ScopeSets {
  const sets = new ScopeSets();
  for (const event of events) {
    sets.numberOf(event.cgroups);
    sets.numberOf(event.trees ?? []);
  }
  return sets;
}

describe("tables say what the naive matcher says", () => {
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
      const hook = random.pick(HOOKS);
      const events = Array.from({ length: 50 }, () => randomEvent(random, hook));
      const sets = setsFor(events);
      const hash = new PathHash(BigInt(random.below(2 ** 31)) << 20n);
      const tables = new HookTables(randomNormals(random, hook, size), sets, hash);
      decided += compare(random, tables, sets, events);
    }
    expect(decided).toBeGreaterThan(0);
  });

  it.each([6, 7, 8])("seed %i: selectors that come and go one by one, sets of scopes that come later", (seed) => {
    const random = new Random(seed);
    let changes = 0;
    for (let policy = 0; policy < 12; policy++) {
      const hook = random.pick(HOOKS);
      const events = Array.from({ length: 30 }, () => randomEvent(random, hook));
      const sets = setsFor(events.slice(0, 10));
      const tables = new HookTables(randomNormals(random, hook, random.below(60)), sets, new PathHash(BigInt(seed)));
      let next = 1000;
      for (let round = 0; round < 12; round++) {
        const there = tables.selectors.flatMap((selector, place) => (selector ? [place] : []));
        const gone = there.filter(() => random.chance(8));
        const come = randomNormals(random, hook, random.below(round === 6 ? 40 : 4), next);
        next += come.length;
        try {
          tables.update(gone, come);
        } catch (error) {
          // another flag than the tables were made for
          if (error instanceof TablesFull) break;
          throw error;
        }
        for (const { cgroups, trees } of events.slice(0, 10 + round * 2)) {
          sets.numberOf(cgroups);
          sets.numberOf(trees ?? []);
        }
        tables.enterSets();
        compare(random, tables, sets, events.slice(0, 10 + round * 2));
        changes += gone.length + come.length;
      }
    }
    expect(changes).toBeGreaterThan(100);
  });
});

describe("prefixes", () => {
  it.each([
    [0, 65535, 1],
    [0, 0, 1],
    [1, 65534, 30],
    [1024, 2047, 1],
    [80, 81, 1],
    [9000, 9010, 3],
  ])("of %i..%i", (low, high, count) => {
    const prefixes = prefixesOf(low, high);
    expect(prefixes).toHaveLength(count);
    expect(prefixes.reduce((sum, { bits }) => sum + 2 ** (64 - bits), 0)).toBe(high - low + 1);
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
  it("take each other's values up in well under a second, and one more in a few milliseconds", () => {
    const random = new Random(9);
    const hook = "network_connect";
    const usage = process.cpuUsage();
    const tables = new HookTables(randomNormals(random, hook, 10_000), new ScopeSets(), new PathHash(1n));
    const { user } = process.cpuUsage(usage);
    expect(user / 1000).toBeLessThan(2000);
    const before = process.cpuUsage();
    for (let i = 0; i < 20; i++) tables.update([], randomNormals(random, hook, 1, 20_000 + i));
    expect(process.cpuUsage(before).user / 20_000).toBeLessThan(60);
  });
});
