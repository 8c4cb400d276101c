import { expect, test } from "vitest";
import { BPF_EXIST, BPF_NOEXIST, BpfMap, type MapType, possibleCpus } from "../../../agent/kernel/map.ts";

const u32 = (...values: number[]) => new Uint8Array(new Uint32Array(values).buffer);
const u64 = (...values: bigint[]) => new Uint8Array(new BigUint64Array(values).buffer);
const create = (type: MapType, more: Partial<Parameters<typeof BpfMap.create>[0]> = {}) =>
  BpfMap.create({ type, name: "reeve_test", keySize: 4, valueSize: 8, maxEntries: 16, ...more });

test("a hash map holds, walks and forgets", () => {
  const map = create("hash");
  expect(map.lookup(u32(1))).toBeUndefined();
  map.update(u32(1), u64(10n));
  map.update(u32(2), u64(20n), BPF_NOEXIST);
  expect(() => map.update(u32(2), u64(21n), BPF_NOEXIST)).toThrow("EEXIST");
  expect(() => map.update(u32(3), u64(30n), BPF_EXIST)).toThrow("ENOENT");
  expect(map.lookup(u32(2))).toEqual(u64(20n));
  expect([...map.entries()].map(([key, value]) => `${key[0]}=${value[0]}`).sort()).toEqual(["1=10", "2=20"]);
  expect(map.delete(u32(1))).toBe(true);
  expect(map.delete(u32(1))).toBe(false);
  expect([...map.keys()]).toEqual([u32(2)]);
  map.close();
  expect(() => map.lookup(u32(2))).toThrow("the map is closed");
});

test.each<MapType>(["hash", "array", "lpm_trie"])("a batch of updates reaches a %s map", (type) => {
  const map = create(type, type === "lpm_trie" ? { keySize: 8, flags: 1 } : {});
  const keys = type === "lpm_trie" ? u32(32, 0, 32, 1, 32, 2) : u32(0, 1, 2);
  map.updateBatch(keys, u64(5n, 6n, 7n), 3);
  expect(map.lookup(keys.subarray(map.keySize, 2 * map.keySize))).toEqual(u64(6n));
  map.updateBatch(new Uint8Array(0), new Uint8Array(0), 0);
  map.close();
});

test("a batch that does not fit says how far it came", () => {
  const map = create("hash", { maxEntries: 2 });
  expect(() => map.updateBatch(u32(1, 2, 3), u64(1n, 2n, 3n), 3)).toThrow(/cannot update 3 entries \(\d done\): E2BIG/);
  map.close();
});

test("a per-CPU map has a value for each CPU", () => {
  const map = create("percpu_array", { valueSize: 4 });
  expect(map.lookupPerCpu(u32(0))).toEqual(Array.from({ length: possibleCpus() }, () => u32(0)));
  expect(() => map.lookup(u32(0))).toThrow("lookupPerCpu");
  map.close();
});

test("an inner map is swapped into a map of maps", () => {
  const inner = create("array");
  inner.update(u32(0), u64(99n));
  const outer = create("array_of_maps", { valueSize: 4, maxEntries: 1, innerFd: inner.fd });
  outer.update(u32(0), u32(inner.fd));
  expect(outer.lookup(u32(0))).toBeDefined();
  outer.close();
  inner.close();
});

test("bytes of the wrong size never reach the kernel", () => {
  const map = create("hash");
  expect(() => map.lookup(new Uint8Array(3))).toThrow("key has 3 bytes; the map takes 4");
  expect(() => map.update(u32(1), u32(1))).toThrow("value has 4 bytes; the map takes 8");
  expect(() => map.updateBatch(u32(1), u64(1n), 2)).toThrow("keys has 4 bytes; the map takes 8");
  map.close();
});

test("a map by descriptor knows its sizes, and lives on when the first descriptor closes", () => {
  const first = create("lru_hash", { valueSize: 24, maxEntries: 64 });
  first.update(u32(4), new Uint8Array(24).fill(7));
  const second = BpfMap.fromFd(first.fd);
  first.close();
  expect([second.keySize, second.valueSize, second.maxEntries]).toEqual([4, 24, 64]);
  expect(second.lookup(u32(4))).toEqual(new Uint8Array(24).fill(7));
  second.close();
  expect(() => BpfMap.fromFd(0)).toThrow("descriptor 0 is no map");
});
