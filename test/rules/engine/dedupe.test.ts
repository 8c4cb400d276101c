import { expect, test } from "vitest";
import { Dedupe } from "../../../rules/engine/dedupe.ts";
import { makeAlert } from "../../../rules/eval/finding.ts";
import type { Finding } from "../../../rules/eval/finding.ts";
import { build, exec, yamlRule } from "../helpers.ts";

const { set } = await build({ "a.yaml": yamlRule("a", "true") });

function finding(seq: number, key = "k"): Finding {
  const event = { ...exec({}, seq), time: `2026-01-01T00:00:0${seq}.000000000Z` };
  return { alert: makeAlert(set.rules[0]!, event, "sha256:x", { message: "m" }), dedupe: { key, within: 1000 } };
}

function clocked(maxWindows?: number) {
  const clock = { now: 0 };
  return { clock, dedupe: new Dedupe({ now: () => clock.now, ...(maxWindows === undefined ? {} : { maxWindows }) }) };
}

test("the first at once, one summary when the window ends", () => {
  const { clock, dedupe } = clocked();
  expect([1, 2, 3].map((seq) => dedupe.admit(finding(seq)))).toEqual([true, false, false]);
  expect(dedupe.ended()).toEqual([]);
  clock.now = 1000;
  expect(dedupe.ended()).toMatchObject([
    {
      count: 3,
      summary: true,
      first_time: "2026-01-01T00:00:01.000000000Z",
      last_time: "2026-01-01T00:00:03.000000000Z",
    },
  ]);
  expect(dedupe.ended()).toEqual([]);
  expect(dedupe.admit(finding(4))).toBe(true);
});

test("one alone has no summary; other keys are other findings; without dedupe each counts", () => {
  const { clock, dedupe } = clocked();
  expect(dedupe.admit(finding(1, "a"))).toBe(true);
  expect(dedupe.admit(finding(2, "b"))).toBe(true);
  expect(dedupe.admit({ ...finding(3, "a"), dedupe: null })).toBe(true);
  clock.now = 5000;
  expect(dedupe.ended()).toEqual([]);
});

test("a redelivered event is not counted twice, and its alert keeps its id", () => {
  const { clock, dedupe } = clocked();
  for (const seq of [1, 2, 1, 2, 2]) dedupe.admit(finding(seq));
  expect(dedupe.admit(finding(1))).toBe(true);
  clock.now = 1000;
  const [summary] = dedupe.ended();
  expect(summary!.count).toBe(2);
  expect(summary!.id).not.toBe(finding(1).alert.id);
});

test("a finding after the end of a window that nobody closed opens the next, and the summary is not lost", () => {
  const { clock, dedupe } = clocked();
  dedupe.admit(finding(1));
  dedupe.admit(finding(2));
  clock.now = 1500;
  expect(dedupe.admit(finding(3))).toBe(true);
  expect(dedupe.ended()).toMatchObject([{ count: 2 }]);
});

test("it is bounded: the oldest window ends early", () => {
  const { dedupe } = clocked(2);
  dedupe.admit(finding(1, "a"));
  dedupe.admit(finding(2, "a"));
  for (const key of ["b", "c", "d"]) dedupe.admit(finding(3, key));
  expect(dedupe.open).toBe(2);
  expect(dedupe.ended()).toMatchObject([{ count: 2 }]);
});
