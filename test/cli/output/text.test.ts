import { describe, expect, it } from "vitest";
import type { Alert } from "../../../bus/types/alert.ts";
import { alertLine } from "../../../cli/output/alert-line.ts";
import { formatDuration, parseDuration, parseSince } from "../../../cli/output/duration.ts";
import { document, streamItem } from "../../../cli/output/format.ts";
import { paintFor, plainPaint } from "../../../cli/output/paint.ts";
import { table } from "../../../cli/output/table.ts";

describe("durations", () => {
  it.each([
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["250ms", 250],
    ["2d", 172_800_000],
    ["10", undefined],
    ["m", undefined],
    ["10 m", undefined],
  ])("reads %s", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    [12, "12 ms"],
    [2500, "2.5 s"],
    [59_400, "59 s"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
    [400_000_000, "4 d"],
  ])("says %i ms", (ms, text) => expect(formatDuration(ms)).toBe(text));

  it("reads a point in time from either", () => {
    const now = new Date("2026-01-31T10:00:00Z");
    expect(parseSince("10m", now)?.toISOString()).toBe("2026-01-31T09:50:00.000Z");
    expect(parseSince("2026-01-01", now)?.toISOString()).toBe("2026-01-01T00:00:00.000Z");
    expect(parseSince("yesterday", now)).toBeUndefined();
  });
});

describe("formats", () => {
  it("prints a stream's item as one line of JSON, and as an item of a YAML list", () => {
    const item = { id: "a", n: 9_007_199_254_740_993n, process: { binary: "/x" } };
    expect(streamItem(item, "json")).toBe('{"id":"a","n":"9007199254740993","process":{"binary":"/x"}}');
    expect(streamItem(item, "yaml")).toBe('- id: a\n  n: "9007199254740993"\n  process:\n    binary: /x');
    expect(document({ a: 1 }, "json")).toBe('{\n  "a": 1\n}');
  });

  it("aligns columns and does not count colour", () => {
    expect(
      table([
        ["a", "bb", "c"],
        ["\u001b[31maaa\u001b[39m", "b", "c"],
      ]),
    ).toBe("a    bb  c\n\u001b[31maaa\u001b[39m  b   c");
  });

  it.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: true }, { NO_COLOR: "1" }, false],
    [{ isTTY: true }, { TERM: "dumb" }, false],
    [{ isTTY: false }, {}, false],
    [{ isTTY: false }, { FORCE_COLOR: "1" }, true],
  ])("colours %j with %j: %s", (stream, env, coloured) => {
    expect(paintFor(stream, env)("red", "x") !== "x").toBe(coloured);
  });
});

describe("the line of an alert", () => {
  const alert = {
    ...{ id: "abc123", rule: "exec-from-tmp", severity: "high", title: "t", message: "/tmp/x was run\u001b[2J" },
    ...{ node: "web-1", count: 1, first_time: "not a time", last_time: "not a time", tags: [] },
  } as unknown as Alert;

  it("says when, how severe, what, where and the id", () => {
    expect(alertLine(alert, plainPaint)).toBe(
      String.raw`not a time HIGH     exec-from-tmp web-1 /tmp/x was run\x1b[2J why: abc123`,
    );
  });

  it("says how many a summary stands for", () => {
    expect(alertLine({ ...alert, count: 7 }, plainPaint)).toContain("(7 times)");
  });
});
