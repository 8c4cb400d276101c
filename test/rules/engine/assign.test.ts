import { expect, test } from "vitest";
import { assign } from "../../../rules/engine/assign.ts";

const ALL = Array.from({ length: 32 }, (_, partition) => partition);
const engines = (...ids: string[]): { id: string; partitions: number[] }[] =>
  ids.map((id) => ({ id, partitions: ALL }));
const sorted = (owned: Map<string, number[]>): number[] => [...owned.values()].flat().sort((a, b) => a - b);

test.each([1, 2, 3, 4, 5, 8, 32])("%d engines: every partition has one owner, and shares differ by little", (count) => {
  const owned = assign(32, engines(...Array.from({ length: count }, (_, n) => `engine-${n}`)));
  expect(sorted(owned)).toEqual(ALL);
  for (const share of owned.values()) expect(share.length).toBeLessThanOrEqual(Math.ceil(32 / count));
});

test("two engines own half each", () => {
  expect([...assign(32, engines("a", "b")).values()].map((share) => share.length)).toEqual([16, 16]);
});

test("the order in which they are seen does not matter", () => {
  const one = assign(32, engines("a", "b", "c"));
  const other = assign(32, engines("c", "a", "b"));
  for (const [id, share] of one) expect(other.get(id)).toEqual(share);
});

test("when one of three goes, the other two keep what they had", () => {
  const before = assign(32, engines("a", "b", "c"));
  const after = assign(32, engines("a", "b"));
  const kept = ["a", "b"].flatMap((id) => before.get(id)!.filter((it) => after.get(id)!.includes(it)));
  expect(sorted(after)).toEqual(ALL);
  expect(kept.length).toBeGreaterThanOrEqual(16);
});

test("an engine gets only what it may read; what nobody may read is in no list", () => {
  const owned = assign(32, [
    { id: "a", partitions: [0, 1, 2] },
    { id: "b", partitions: [2, 3] },
  ]);
  expect(sorted(owned)).toEqual([0, 1, 2, 3]);
  expect(owned.get("a")).toEqual(expect.arrayContaining([0, 1]));
  expect(owned.get("b")).toContain(3);
});

test("an engine that may read all takes what those with few leave", () => {
  const owned = assign(32, [
    { id: "a", partitions: [0, 1, 2, 3] },
    { id: "b", partitions: ALL },
  ]);
  expect(sorted(owned)).toEqual(ALL);
});
