import { describe, expect, test } from "vitest";
import { DECIDER_CAPS, ENGINE_CAPS } from "../../../controller/decision/caps.ts";
import { type DecisionOrigin, planDecision } from "../../../controller/decision/entry.ts";

const NOW = Date.parse("2026-11-22T10:00:00Z");
const EVENT = "web-1/6f3c/12/process_exec/4711";
const TREE = Buffer.from("db-1:123:42:3").toString("base64");
const ORIGIN: DecisionOrigin = { policy: "enforcement.contain", decider: null, sequence: 7, time: NOW };
const DECISION = {
  action: "deny",
  hook: "process_exec",
  scope: { tree: "abc" },
  ttl: "10m",
  because: { policy: "enforcement/contain", event: EVENT },
};

function plan(
  change: object = {},
  origin: Partial<DecisionOrigin> = {},
  options: Partial<Parameters<typeof planDecision>[2]> = {},
): ReturnType<typeof planDecision> {
  const caps = origin.decider === undefined || origin.decider === null ? ENGINE_CAPS : DECIDER_CAPS;
  return planDecision(
    { ...DECISION, ...change },
    { ...ORIGIN, ...origin },
    { caps, defaultMode: "monitor", now: NOW, ...options },
  );
}

function planned(...given: Parameters<typeof plan>): Extract<ReturnType<typeof planDecision>, { ok: true }> {
  const result = plan(...given);
  if (!result.ok) throw new Error(result.message);
  return result;
}

function idOf(...given: Parameters<typeof plan>): string {
  return planned(...given).entries[0]?.id ?? "";
}

test("a decision becomes an entry of the node that caused it, with lease and cause", () => {
  const result = planned();
  expect(result.entries).toEqual([
    {
      node: "web-1",
      id: expect.stringMatching(/^contain-[0-9a-f]{16}$/),
      entry: {
        selectors: [
          {
            id: result.entries[0]?.id,
            hook: "process_exec",
            action: "deny",
            mode: "monitor",
            priority: 0,
            rate: null,
            match: [],
            scope: { tree: "abc" },
            because: { policy: "enforcement/contain", event: EVENT, decision: "7" },
          },
        ],
        hooks: ["process_exec"],
        ttl: 600_000,
        renewedAt: "2026-11-22T10:00:00.000Z",
      },
    },
  ]);
});

describe("which nodes", () => {
  test.each<[string, object, (string | null)[]]>([
    ["the event's", {}, ["web-1"]],
    ["the first of several events'", { because: { events: [EVENT] } }, ["web-1"]],
    ["the tree's when there is no event", { because: undefined, scope: { tree: TREE } }, ["db-1"]],
    ["named ones without a cause", { because: undefined, scope: { nodes: ["a", "b", "a"], tree: "abc" } }, ["a", "b"]],
    ["the event's, named too", { scope: { nodes: ["web-1"], tree: "abc" } }, ["web-1"]],
    ["all for the fleet", { fleet: true }, [null]],
    ["all by star for the fleet", { fleet: true, scope: { nodes: ["*"], tree: "abc" } }, [null]],
    ["others for the fleet", { fleet: true, scope: { nodes: ["b"], tree: "abc" } }, ["b"]],
  ])("%s", (_name, change, nodes) => {
    const { entries } = planned(change);
    expect(entries.map((entry) => entry.node)).toEqual(nodes);
    expect(entries.every(({ entry }) => entry.selectors[0]?.scope.nodes === undefined)).toBe(true);
  });

  test.each<[string, object, string]>([
    ["no cause, no nodes", { because: undefined }, "because.event is missing or no event id"],
    ["a cause that is no event id", { because: { event: "x" } }, "because.event is missing or no event id"],
    [
      "another node than the cause's",
      { scope: { nodes: ["b"] } },
      'scope.nodes names "b", but the event that caused it is of node "web-1"',
    ],
    ["star without fleet", { scope: { nodes: ["*"] } }, 'scope.nodes is "*" without fleet: true'],
  ])("refused: %s", (_name, change, message) => {
    expect(plan(change)).toMatchObject({
      ok: false,
      code: "invalid_decision",
      message: expect.stringContaining(message),
    });
  });
});

describe("the id", () => {
  test("stays for the same decision, whatever its lease, mode, reason and order", () => {
    const match = [
      { field: "process.binary", op: "in", values: ["/tmp/a", "/tmp/b"] },
      { field: "process.uid", op: "in", values: [1, 2] },
    ];
    const turned = match.toReversed().map(({ field, op, values }) => ({ field, op, values: values.toReversed() }));
    const id = idOf({ match });
    expect(idOf({ match: turned, ttl: "1m", mode: "enforce", priority: 9, reason: "again" })).toBe(id);
    expect(idOf({ match }, { sequence: 99, time: NOW - 5 })).toBe(id);
  });

  test.each<[string, object, Partial<DecisionOrigin>]>([
    ["action", { action: "kill" }, {}],
    ["hook", { hook: "network_connect" }, {}],
    ["match", { match: [{ field: "process.uid", op: "in", values: [1] }] }, {}],
    ["scope", { scope: { tree: "abcd" } }, {}],
    ["policy", { because: { policy: "other", event: EVENT } }, {}],
    ["decider", {}, { decider: "opa" }],
    ["another decider", {}, { decider: "opa2" }],
  ])("differs by %s", (_name, change, origin) => {
    expect(idOf(change, origin)).not.toBe(idOf({}, origin.decider === "opa2" ? { decider: "opa" } : {}));
  });
});

describe("leases", () => {
  test.each<[string | undefined, number, boolean]>([
    [undefined, 600_000, false],
    ["1s", 1_000, false],
    ["1h30m", 5_400_000, false],
    ["1500ms", 1_500, false],
    ["48h", 86_400_000, true],
  ])("%s", (ttl, milliseconds, shortened) => {
    const result = planned({ ttl });
    expect([result.entries[0]?.entry.ttl, result.shortened]).toEqual([milliseconds, shortened]);
  });

  test.each(["none", "10", "-1m", "999ms", "0s", "m", "10 m"])("refused: %s", (ttl) => {
    expect(plan({ ttl })).toMatchObject({
      ok: false,
      message: `ttl is "${ttl}" (allowed: a duration from 1s to 24h, as "10m" or "1h30m"; longer ones are shortened to that)`,
    });
  });

  test("count from when the stream took the decision; one that ended meanwhile is not taken", () => {
    expect(planned({}, { time: NOW - 599_999 }).entries[0]?.entry.renewedAt).toBe("2026-11-22T09:50:00.001Z");
    expect(plan({}, { time: NOW - 600_000 })).toMatchObject({ ok: false, code: "too_late" });
  });
});

describe("a decider's caps", () => {
  test("lease is shortened, and who it was is kept", () => {
    const result = planned({ ttl: "5h" }, { decider: "opa" });
    expect(result.entries[0]?.entry.ttl).toBe(3_600_000);
    expect(result.shortened).toBe(true);
    expect(result.entries[0]?.entry.selectors[0]?.because.decider).toBe("opa");
  });

  test.each<[string, object, string]>([
    ["signal", { action: "signal" }, "action is signal, which this credential may not decide (allowed: deny, kill)"],
    ["the fleet", { fleet: true }, "fleet is more than this credential may"],
    ["force", { force: true }, "force is true, which this credential may not say (allowed: false)"],
  ])("refused: %s", (_name, change, message) => {
    const refused = { ok: false, code: "caps_exceeded", message: expect.stringContaining(message) };
    expect(plan(change, { decider: "opa" })).toMatchObject(refused);
    expect(plan(change).ok).toBe(true);
  });

  test("refused: the whole host when only narrower scopes are allowed", () => {
    const caps = { ...DECIDER_CAPS, host: false };
    expect(plan({ scope: { cgroup: "/" } }, {}, { caps })).toMatchObject({ ok: false, code: "caps_exceeded" });
    expect(plan({ scope: { cgroup: "/a" } }, {}, { caps }).ok).toBe(true);
  });
});

test("a decision that could lock people out is refused unless forced", () => {
  const whole = { scope: { host: true }, mode: "enforce" };
  expect(plan(whole)).toMatchObject({ ok: false, code: "would_lock_out" });
  expect(plan({ ...whole, force: true }).ok).toBe(true);
  expect(plan({ ...whole, mode: undefined }, {}, { defaultMode: "enforce" }).ok).toBe(false);
});
