import { expect, test } from "vitest";
import { worse } from "../lib/growth.ts";

const record = { large: 400_000, small: 100, refused: "too large" };

test("no more than a fifth of growth is well", () => {
  expect(worse({ large: 479_999, small: 4000, refused: "too large, still" }, record)).toEqual([]);
  expect(worse({ large: 10, refused: 90_000 }, record)).toEqual([]);
});

test("growth beyond a fifth, a new refusal and an unknown program are not", () => {
  expect(worse({ large: 480_001, small: "no", other: 300_000, young: 30_000, tiny: 3 }, record)).toEqual([
    "large has grown from 400000 to 480001 instructions, by more than a fifth",
    "small was taken (100 instructions) and is refused: no",
    "other is not in the record: 300000",
  ]);
});
