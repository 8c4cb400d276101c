import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../bus/duration.ts";
import { didYouMean, nearest } from "../../bus/nearest.ts";
import { formatSize, parseSize } from "../../bus/size.ts";
import {
  validateAlert,
  validateDecision,
  validateDesiredEntry,
  validateEvent,
  validateRuleSetInfo,
  validateSelector,
} from "../../bus/validate.ts";

const decision = {
  action: "deny",
  hook: "process_exec",
  match: [{ field: "process.binary", op: "in", values: ["/tmp/x"] }],
  scope: { tree: "abc" },
  ttl: "10m",
};
const selector = {
  id: "s",
  hook: "process_exec",
  action: "deny",
  mode: "enforce",
  priority: 0,
  rate: null,
  match: [],
  scope: {},
  because: { policy: "p" },
};
const desired = { selectors: [selector], hooks: [], ttl: 1000, renewedAt: "2026-11-22T10:00:00.123456789Z" };

describe("what is right is taken", () => {
  test.each([
    [validateDecision, decision],
    [validateDecision, { action: "signal", hook: "network_connect" }],
    [validateDecision, { ...decision, match: [{ field: "socket.dport", op: "range", values: [[1, 1024], 8080] }] }],
    [validateSelector, selector],
    [
      validateSelector,
      { ...selector, rate: 0.5, scope: { container: { labels: { a: "b" } }, pod: { namespace: "shop" }, host: true } },
    ],
    [validateDesiredEntry, desired],
    [validateDesiredEntry, { ...desired, ttl: "none", disarm: true }],
    [validateDesiredEntry, { ...desired, because: { person: "root" } }],
    [
      validateRuleSetInfo,
      { digest: `sha256:${"0".repeat(64)}`, built_at: "2026-11-22T10:00:00Z", rules: 1, policies: 0, sources: [] },
    ],
  ])("%o", (validate, value) => {
    expect(validate(value)).toBe(value);
  });
});

describe("what is wrong is refused, with field, fault and what is allowed", () => {
  test.each([
    [validateDecision, null, "bad decision: the value: null is not allowed; allowed: a map"],
    [validateDecision, {}, "bad decision: action: is missing; hook: is missing"],
    [
      validateDecision,
      { ...decision, action: "dney" },
      'bad decision: action: "dney" is not allowed; allowed: deny, kill, signal; did you mean deny?',
    ],
    [validateDecision, { ...decision, tll: "1m" }, "bad decision: tll: unknown key; did you mean ttl?"],
    [
      validateDecision,
      { ...decision, ttl: "10 min" },
      /^bad decision: ttl: "10 min" is not allowed; allowed: numbers with a unit/,
    ],
    [validateDecision, { ...decision, ttl: "5ms" }, 'bad decision: ttl: "5ms" is not allowed; allowed: at least 1s'],
    [
      validateDecision,
      { ...decision, scope: { continer: {} } },
      "bad decision: scope.continer: unknown key; did you mean container?",
    ],
    [
      validateDecision,
      { ...decision, match: [{ field: "x", op: "equals", values: [] }] },
      /match\[0\]\.op: "equals" is not allowed; allowed: in, notIn/,
    ],
    [
      validateDecision,
      { ...decision, priority: 1e6 },
      "bad decision: priority: 1000000 is not allowed; allowed: a number from -1000 to 1000",
    ],
    [
      validateSelector,
      { ...selector, mode: "enforced" },
      /mode: "enforced" is not allowed; allowed: monitor, enforce; did you mean enforce\?/,
    ],
    [validateSelector, { ...selector, scope: { cgroup: "docker" } }, /scope\.cgroup: "docker" is not allowed/],
    [validateDesiredEntry, { ...desired, ttl: "1m" }, /bad desired entry: ttl: "1m" is not allowed/],
    [validateDesiredEntry, { ...desired, renewedAt: "yesterday" }, /renewedAt: "yesterday" is not allowed/],
    [
      validateDesiredEntry,
      { ...desired, selectors: [{ ...selector, id: 3 }] },
      /selectors\[0\]\.id: 3 is not allowed; allowed: text/,
    ],
    [validateRuleSetInfo, { digest: "sha1:x" }, /digest: "sha1:x" is not allowed/],
    [validateEvent, { id: "x", kind: "process_exec", node: "n" }, /bad event: .*time: is missing/],
    [validateEvent, [], "bad event: the value: [] is not allowed; allowed: a map"],
    [validateAlert, {}, /bad alert: id: is missing/],
  ] as [(value: unknown) => unknown, unknown, string | RegExp][])("%o %j", (validate, value, message) => {
    let error: unknown;
    try {
      validate(value);
    } catch (cause) {
      error = cause;
    }
    expect(error).toMatchObject({ code: "invalid" });
    if (typeof message === "string") expect((error as Error).message).toBe(message);
    else expect((error as Error).message).toMatch(message);
  });
});

describe("durations and sizes", () => {
  test.each([
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    ["250ms", 250],
    ["2us", 0.002],
    ["0", 0],
    ["1m0.5s", 60_500],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 6);
  });

  test.each(["", "10", "m", "10 m", "1d", "-1s", "1h30", "1,5s", "ten"])("%j is no duration", (text) => {
    expect(() => parseDuration(text)).toThrow(
      `${JSON.stringify(text)} is not a duration; allowed: numbers with a unit`,
    );
  });

  test.each([0, 1, 999, 1000, 61_500, 5_400_000, 86_400_000])("%d ms comes back", (ms) => {
    expect(parseDuration(formatDuration(ms))).toBe(ms);
  });

  test.each([
    ["64MB", 67_108_864],
    ["1GiB", 1_073_741_824],
    ["512 KB", 524_288],
    ["2g", 2_147_483_648],
    ["4096", 4096],
    ["4096B", 4096],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
    expect(parseSize(formatSize(bytes))).toBe(bytes);
  });

  test.each(["", "MB", "1.5GB", "-1", "1 XB"])("%j is no size", (text) => {
    expect(() => parseSize(text)).toThrow(/is not a size; allowed: a whole number with KB, MB, GB or TB/);
  });
});

test("the nearest name is found only when it is near", () => {
  expect(nearest("prot", ["port", "url"])).toBe("port");
  expect(nearest("PORT", ["port"])).toBe("port");
  expect(nearest("zzzzzz", ["port", "url"])).toBeNull();
  expect(didYouMean("prot", ["port", "url"])).toBe(': did you mean "port"?');
  expect(didYouMean("zzzzzz", ["port", "url"])).toBe("");
});

const gap = {
  id: "web-1/6f3c/1/gap/1",
  kind: "gap",
  node: "web-1",
  time: "2026-11-22T10:00:00.123456789Z",
  from: "2026-11-22T10:00:00Z",
  to: "2026-11-22T10:00:01Z",
  kinds: ["process_exec"],
  count: null,
  reason: "agent_restart",
};

test("events are checked by the generated schema of their kind", () => {
  expect(validateEvent(gap)).toBe(gap);
  expect(() => validateEvent({ ...gap, reson: "x" })).toThrow(
    /^bad gap event: reson: unknown key; did you mean reason\?$/,
  );
  expect(() => validateEvent({ ...gap, from: "yesterday" })).toThrow(
    /from: "yesterday" is not allowed; allowed: date-time/,
  );
  expect(() => validateEvent({ ...gap, kind: "process_exce" })).toThrow(
    /kind: "process_exce" is not allowed; allowed: process_exec/,
  );
});
