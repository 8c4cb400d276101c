import { describe, expect, test } from "vitest";
import { Counters } from "../../../controller/counters.ts";
import { DECIDER_CAPS } from "../../../controller/decision/caps.ts";
import { processDecision } from "../../../controller/decision/process.ts";
import { Refusals } from "../../../controller/decision/refusals.ts";
import { DesiredWriter } from "../../../controller/desired/writer.ts";
import { FakeDesired, makeMessage } from "../fake-bus.ts";

const NOW = Date.parse("2026-11-22T10:00:00Z");
const DECISION = {
  action: "deny",
  hook: "process_exec",
  scope: { tree: "abc" },
  ttl: "10m",
  because: { event: "web-1/6f3c/12/process_exec/4711" },
};

function setUp(change: { maxEntries?: number } = {}): {
  bucket: FakeDesired;
  counters: Counters;
  refusals: Refusals;
  take: (value: unknown, message?: Parameters<typeof makeMessage>[1]) => Promise<{ outcome: string; ended: string[] }>;
} {
  const bucket = new FakeDesired();
  const writer = new DesiredWriter(bucket);
  const counters = new Counters();
  const refusals = new Refusals(counters);
  const options = {
    ...{ writer, counters, refusals, defaultMode: "monitor" as const, now: () => NOW },
    capsOf: () => ({ ...DECIDER_CAPS, ...change }),
  };
  return {
    ...{ bucket, counters, refusals },
    take: async (value, message) => {
      const made = makeMessage(value, { time: NOW, ...message });
      const outcome = await processDecision(made, options);
      return { outcome: outcome.kind === "refused" ? outcome.code : outcome.kind, ended: made.ended };
    },
  };
}

const keyOf = (bucket: FakeDesired): string => [...bucket.entries.keys()][0] ?? "";

test("accepted, then renewed under the same key with a new time", async () => {
  const { bucket, counters, take } = setUp();
  expect(await take(DECISION)).toEqual({ outcome: "accepted", ended: ["ack"] });
  const key = keyOf(bucket);
  expect(key).toMatch(/^node\.web-1\.test-[0-9a-f]{16}$/);
  expect(await take(DECISION, { sequence: 2, time: NOW + 5_000 })).toEqual({ outcome: "renewed", ended: ["ack"] });
  expect([...bucket.entries.keys()]).toEqual([key]);
  expect(bucket.entries.get(key)?.entry).toMatchObject({
    renewedAt: "2026-11-22T10:00:05.000Z",
    selectors: [{ because: { decision: "2" } }],
  });
  expect(counters.toJSON()).toEqual({ decisions_accepted: 1, decisions_renewed: 1 });
});

test("delivered again after it was written: acked, nothing changes", async () => {
  const { bucket, take } = setUp();
  await take(DECISION);
  const { revision } = bucket;
  expect(await take(DECISION)).toEqual({ outcome: "repeated", ended: ["ack"] });
  expect(bucket.revision).toBe(revision);
});

test("a renewal is seen as one even when the clock stands or goes back", async () => {
  const { bucket, take } = setUp();
  await take(DECISION);
  expect((await take(DECISION, { sequence: 2, time: NOW - 60_000 })).outcome).toBe("renewed");
  expect(bucket.entries.get(keyOf(bucket))?.entry.renewedAt).toBe("2026-11-22T10:00:00.001Z");
});

test("a stream that was made anew counts from one again: still a renewal", async () => {
  const { take } = setUp();
  await take(DECISION, { sequence: 900 });
  expect((await take(DECISION, { sequence: 1, time: NOW + 1 })).outcome).toBe("renewed");
});

describe("refused, never delivered again, counted and kept with its reason", () => {
  test.each<[string, unknown, string]>([
    ["no JSON", "{", "malformed"],
    ["no UTF-8", new Uint8Array([0xff, 0xfe]), "malformed"],
    ["no object", "[]", "invalid_decision"],
    ["nothing", "", "malformed"],
    ["a wrong field", { ...DECISION, hook: "x" }, "invalid_decision"],
    ["too large", new Uint8Array(300_000), "malformed"],
    ["a lock-out", { ...DECISION, scope: {}, mode: "enforce" }, "would_lock_out"],
  ])("%s", async (_name, value, code) => {
    const { bucket, counters, refusals, take } = setUp();
    const { outcome, ended } = await take(value);
    expect(outcome).toBe(code);
    expect(ended).toEqual([expect.stringMatching(`^term ${code}: `)]);
    expect(bucket.entries.size).toBe(0);
    expect(counters.toJSON()).toEqual({ decisions_refused: 1, [`refused_${code}`]: 1 });
    expect(refusals.last()).toMatchObject([{ code, policy: "test", decider: null, sequence: 1 }]);
    expect(refusals.last()[0]?.message).toContain("allowed");
  });

  test("too old", async () => {
    const { take } = setUp();
    expect((await take(DECISION, { time: NOW - 600_000 })).outcome).toBe("too_late");
  });

  test("only the last ones are kept, all are counted", async () => {
    const { counters, refusals, take } = setUp();
    for (let sequence = 1; sequence <= 60; sequence++) await take("{", { sequence });
    expect(refusals.last().map((refused) => refused.sequence)).toEqual(Array.from({ length: 50 }, (_, i) => 60 - i));
    expect(counters.get("decisions_refused")).toBe(60);
  });
});

test("a decider has only so many entries; renewing one of them is no new one", async () => {
  const { take } = setUp({ maxEntries: 2 });
  const subject = "reeve.decisions.opa.test";
  const other = (tree: string): unknown => ({ ...DECISION, scope: { tree } });
  expect((await take(other("a"), { subject })).outcome).toBe("accepted");
  expect((await take(other("b"), { subject })).outcome).toBe("accepted");
  expect((await take(other("c"), { subject })).outcome).toBe("too_many");
  expect((await take(other("b"), { subject, sequence: 9 })).outcome).toBe("renewed");
  expect((await take(other("c"))).outcome).toBe("accepted");
});

test("the bus failed: later again, nothing is lost", async () => {
  const { bucket, counters, take } = setUp();
  bucket.beforeWrite = () => {
    throw new Error("no answer");
  };
  expect(await take(DECISION)).toEqual({ outcome: "retry", ended: ["nak"] });
  bucket.beforeWrite = () => undefined;
  expect(await take(DECISION)).toEqual({ outcome: "accepted", ended: ["ack"] });
  expect(counters.toJSON()).toEqual({ decisions_retried: 1, decisions_accepted: 1 });
});
