import { describe, expect, test } from "vitest";
import type { DesiredEntry } from "../../../bus/types/desired.ts";
import { endedLeases, leaseEnd } from "../../../controller/desired/leases.ts";
import { LiveState, ownerOf } from "../../../controller/desired/live.ts";
import { DesiredWriter } from "../../../controller/desired/writer.ts";
import { FakeDesired } from "../fake-bus.ts";

const START = Date.parse("2026-11-22T10:00:00Z");

function makeEntry(change: Partial<DesiredEntry> = {}, because: object = {}): DesiredEntry {
  const selector = {
    ...({ id: "s", hook: "process_exec", action: "deny", mode: "enforce", priority: 0, rate: null } as const),
    ...{ match: [], scope: {}, because },
  };
  return {
    selectors: [selector],
    hooks: ["process_exec"],
    ttl: 1_000,
    renewedAt: new Date(START).toISOString(),
    ...change,
  };
}

const liveEntry = (id: string, entry: DesiredEntry): Parameters<typeof endedLeases>[0][number] => ({
  ...{ key: `all.${id}`, node: null, id, entry, revision: 1 },
});

describe("leases", () => {
  test.each<[Partial<DesiredEntry>, number | null]>([
    [{}, START + 1_000],
    [{ ttl: "none" }, null],
    [{ renewedAt: "yesterday" }, 0],
    [{ ttl: Number.NaN }, 0],
  ])("%j ends at %s", (change, end) => {
    expect(leaseEnd(makeEntry(change))).toBe(end);
  });

  test("ended ones go after the margin; the next look is when the next one ends", () => {
    const entries = [
      liveEntry("a", makeEntry()),
      liveEntry("b", makeEntry({ ttl: 5_000 })),
      liveEntry("c", makeEntry({ ttl: 9_000 })),
      liveEntry("d", makeEntry({ ttl: "none" })),
    ];
    const at = (now: number): [string[], number | null] => {
      const { ended, next } = endedLeases(entries, START + now, 100);
      return [ended.map((live) => live.id), next === null ? null : next - START];
    };
    expect(at(1_099)).toEqual([[], 1_100]);
    expect(at(1_100)).toEqual([["a"], 5_100]);
    expect(at(60_000)).toEqual([["a", "b", "c"], null]);
  });
});

describe("the live state", () => {
  test("knows entries, disarming, malformed keys and owners", () => {
    const live = new LiveState();
    const entry = makeEntry({}, { decider: "opa" });
    live.apply({ key: "node.web=2D.a", entry, revision: 1, problem: null });
    live.apply({ key: "node.web-1.a", entry, revision: 2, problem: null });
    live.apply({ key: "all.disarm", entry: makeEntry(), revision: 3, problem: null });
    live.apply({ key: "all.bad", entry: null, revision: 4, problem: "no JSON" });
    live.apply({ key: "nothing", entry, revision: 5, problem: null });
    expect(live.entries().map(({ node, id }) => [node, id])).toEqual([["web-1", "a"]]);
    expect(live.disarms().map(({ node }) => node)).toEqual([null]);
    expect(live.malformed().map(({ key }) => key)).toEqual(["node.web=2D.a", "all.bad", "nothing"]);
    expect([live.countOf("decider:opa"), live.countOf("engine"), live.revision]).toEqual([1, 0, 5]);
    expect(live.revisionOf("all.bad")).toBe(4);
  });

  test("an older change says nothing new; a repaired key is malformed no more", () => {
    const live = new LiveState();
    live.apply({ key: "all.a", entry: null, revision: 4, problem: "no JSON" });
    live.apply({ key: "all.a", entry: makeEntry(), revision: 6, problem: null });
    live.apply({ key: "all.a", entry: null, revision: 5, problem: null });
    expect(live.get("all.a")?.revision).toBe(6);
    expect(live.malformed()).toEqual([]);
  });

  test.each<[object, string]>([
    [{ decision: "1" }, "engine"],
    [{ decision: "1", decider: "opa" }, "decider:opa"],
    [{ person: "operator" }, "person"],
  ])("%j belongs to %s", (because, owner) => {
    expect(ownerOf(makeEntry({}, because))).toBe(owner);
  });
});

describe("writing", () => {
  test("what others wrote meanwhile is seen before it is written over", async () => {
    const bucket = new FakeDesired();
    const writer = new DesiredWriter(bucket);
    let others = 2;
    bucket.beforeWrite = (key) => {
      if (others-- > 0) bucket.set(key, makeEntry({ ttl: others }));
    };
    const seen: unknown[] = [];
    await writer.put("all.a", (present) => {
      seen.push(present?.ttl);
      return makeEntry({ ttl: 7 });
    });
    expect(seen).toEqual([undefined, 1, 0]);
    expect(bucket.entries.get("all.a")?.entry.ttl).toBe(7);
  });

  test("gives up when it goes on for ever", async () => {
    const bucket = new FakeDesired();
    bucket.beforeWrite = (key) => bucket.set(key, makeEntry());
    await expect(new DesiredWriter(bucket).put("all.a", () => makeEntry())).rejects.toMatchObject({ code: "conflict" });
  });

  test("a key that was renewed meanwhile is not deleted", async () => {
    const bucket = new FakeDesired();
    const writer = new DesiredWriter(bucket);
    await writer.put("all.a", () => makeEntry());
    bucket.set("all.a", makeEntry({ ttl: 99 }));
    expect(await writer.delete("all.a", (present) => present.ttl === 1_000)).toBe(false);
    expect(bucket.entries.has("all.a")).toBe(true);
    expect(await writer.delete("all.a")).toBe(true);
    expect(await writer.delete("all.a")).toBe(false);
  });
});
