import { expect, test } from "vitest";
import { spread } from "../../../rules/engine/spread.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);

test("evenly, to one", () => {
  expect(spread(range(0, 31), [[], [], []]).map((share) => share.length)).toEqual([11, 11, 10]);
  expect(spread([], [[], []])).toEqual([[], []]);
  expect(spread([4], [[], []])).toEqual([[4], []]);
});

test("who reads one goes on with it", () => {
  const [a = [], b = []] = spread(range(0, 15), [[], []]);
  const [c = [], d = []] = spread(range(0, 31), [a, b]);
  expect(c).toEqual(expect.arrayContaining(a));
  expect(d).toEqual(expect.arrayContaining(b));
  expect([c.length, d.length]).toEqual([16, 16]);
  // Of those that are left, only what is more than a fair share moves.
  expect(spread([...c, d[0]!], [c, d])).toEqual([c.slice(0, 9), [...c.slice(9), d[0]!].sort((x, y) => x - y)]);
});
