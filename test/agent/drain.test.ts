import { expect, test } from "vitest";
import { pauseAfter } from "../../agent/drain.ts";

test.each([
  ["nothing yet, or just nothing", 0, 1, 5],
  ["nothing for a while", 0, 21, 10],
  ["a record", 1, 0, 12.5],
  ["many records", 4095, 0, 12.5],
  ["more than a pass takes", 4096, 0, 0],
])("the ring is read again in time: %s", (_, read, quiet, pause) => {
  expect(pauseAfter(read, quiet, 5)).toBe(pause);
});
