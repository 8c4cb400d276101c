import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ActiveSelector, DesiredState } from "../../../agent/desired/desired-state.ts";
import { LeaseBook } from "../../../agent/desired/leases.ts";
import type { DesiredEntry } from "../../../bus/types/desired.ts";
import type { Scope, Selector } from "../../../bus/types/selector.ts";

const MS = 1_000_000n;
let dir: string;
let now: bigint;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "reeve-desired-"));
  now = 1000n * MS;
});
afterEach(() => rmSync(dir, { recursive: true }));

const selector = (id: string, scope: Scope = {}): Selector => ({
  id,
  hook: "process_exec",
  action: "deny",
  mode: "enforce",
  priority: 0,
  rate: null,
  match: [],
  scope,
  because: {},
});
const entry = (ids: string[], ttl: number | "none" = "none", renewedAt = "1"): DesiredEntry => ({
  selectors: ids.map((id) => selector(id)),
  hooks: ["process_exec"],
  ttl,
  renewedAt,
});
const DISARM: DesiredEntry = { selectors: [], hooks: [], ttl: "none", renewedAt: "1", disarm: true };
const leases = (boot = "boot") => new LeaseBook(join(dir, "leases.json"), boot);

function desired(book = leases()) {
  const calls: string[] = [];
  const tables = {
    apply(revision: number, active: ActiveSelector[]) {
      const shown = active.map(({ selector, deadline }) => `${selector.id}:${deadline === null ? "-" : deadline / MS}`);
      calls.push(`${revision} ${shown.join(" ")}`);
      return {
        refused: active
          .filter((it) => it.selector.id === "bad")
          .map((it) => ({ selector: "bad", entry: it.entry, reason: "no" })),
      };
    },
    disarm: () => void calls.push("disarm"),
  };
  const state = new DesiredState({ node: "web-1", tables, leases: book, now: () => now });
  return { state, calls };
}

test("nothing is applied before all that was there is known, then all at once", async () => {
  const { state, calls } = desired();
  state.change("all.a", entry(["a"]), 3);
  state.change("node.web-1.b", entry(["b1", "b2"], 60_000), 5);
  await setImmediate();
  expect(calls).toEqual([]);
  state.ready();
  await setImmediate();
  expect(calls).toEqual(["5 a:- b1:61000 b2:61000"]);
  state.change("all.a", null, 6);
  state.change("all.c", entry(["c"]), 7);
  await setImmediate();
  expect(calls.slice(1)).toEqual(["7 b1:61000 b2:61000 c:-"]);
  expect(state.appliedRevision).toBe(7);
  state.close();
});

test("a lease runs from its first sight; seeing it again gives no more time, renewing does", async () => {
  const { state, calls } = desired();
  state.ready();
  for (const [at, renewedAt] of [
    [1000n, "1"],
    [5000n, "1"],
    [6000n, "2"],
  ] as const) {
    now = at * MS;
    state.change("all.a", entry(["a"], 10_000, renewedAt), Number(at));
    await setImmediate();
  }
  now = 15_999n * MS;
  state.apply();
  now = 16_000n * MS;
  state.apply();
  expect(calls).toEqual(["1000 a:11000", "5000 a:11000", "6000 a:16000", "6000 a:16000", "6000 "]);
  state.close();
});

test("a new agent in the same boot goes on with the same deadline, in another boot with a new one", () => {
  const first = leases();
  expect(first.deadline("all.a", entry(["a"], 10_000), now)).toBe(11_000n * MS);
  first.save();
  expect(leases().deadline("all.a", entry(["a"], 10_000), now + 4000n * MS)).toBe(11_000n * MS);
  expect(leases("later").deadline("all.a", entry(["a"], 10_000), now)).toBe(11_000n * MS);
  expect(leases("later").deadline("all.a", entry(["a"], 10_000), now + MS)).toBe(11_001n * MS);
});

test("an ended lease stays ended as long as its entry is there, also over a restart", async () => {
  const { state, calls } = desired();
  state.change("all.a", entry(["a"], 1000), 1);
  state.ready();
  await setImmediate();
  now += 2000n * MS;
  state.close();
  const again = desired();
  again.state.change("all.a", entry(["a"], 1000), 1);
  again.state.ready();
  await setImmediate();
  expect([...calls, ...again.calls]).toEqual(["1 a:2000", "1 "]);
  again.state.close();
});

test("a lease that ends is taken out without anybody's help", async () => {
  const { state, calls } = desired();
  state.change("all.a", entry(["a"], 30), 1);
  state.ready();
  await setImmediate();
  now += 31n * MS;
  await setTimeout(60);
  expect(calls).toEqual(["1 a:1030", "1 "]);
  state.close();
});

test("a damaged lease file is no lease file", () => {
  writeFileSync(join(dir, "leases.json"), '{"boot":"boot","leases":{"all.a":{"deadline":"x"}}}');
  expect(leases().deadline("all.a", entry(["a"], 1), now)).toBe(1001n * MS);
  writeFileSync(join(dir, "leases.json"), "{");
  expect(leases().deadline("all.a", entry(["a"], 1), now)).toBe(1001n * MS);
});

test("only selectors for this node are taken", async () => {
  const { state, calls } = desired();
  const mixed = entry([]);
  mixed.selectors.push(selector("here", { nodes: ["web-1", "x"] }), selector("there", { nodes: ["web-2"] }));
  mixed.selectors.push(selector("everywhere", { nodes: ["*"] }));
  state.change("all.a", mixed, 1);
  state.ready();
  await setImmediate();
  expect(calls).toEqual(["1 here:- everywhere:-"]);
  state.close();
});

test("disarmed by hand at once and without a bus, until a disarm entry is taken away", async () => {
  const { state, calls } = desired();
  state.disarm();
  expect(calls).toEqual(["disarm"]);
  state.change("all.a", entry(["a"]), 1);
  state.ready();
  await setImmediate();
  expect(calls).toEqual(["disarm", "disarm"]);
  expect(state.disarmed).toBe(true);
  state.change("all.disarm", null, 2);
  await setImmediate();
  expect(calls.at(-1)).toBe("2 a:-");
  expect(state.disarmed).toBe(false);
  state.close();
});

test("a disarm entry keeps everything emptied until the last of them is gone", async () => {
  const { state, calls } = desired();
  state.change("all.a", entry(["a"]), 1);
  state.change("all.disarm", DISARM, 2);
  state.change("node.web-1.disarm", DISARM, 3);
  state.ready();
  await setImmediate();
  state.change("all.disarm", null, 4);
  await setImmediate();
  expect([...new Set(calls)]).toEqual(["disarm"]);
  state.change("node.web-1.disarm", null, 5);
  await setImmediate();
  expect(calls.at(-1)).toBe("5 a:-");
  state.close();
});

test("what the kernel refuses and what cannot be read is told with its reason", async () => {
  const { state } = desired();
  state.change("all.a", entry(["bad", "good"]), 1);
  state.change("all.b", null, 2, "selectors is no list");
  state.ready();
  await setImmediate();
  expect(state.refused).toEqual([
    { selector: "", entry: "all.b", reason: "selectors is no list" },
    { selector: "bad", entry: "all.a", reason: "no" },
  ]);
  state.close();
});

test("a new watch forgets entries that were deleted meanwhile", async () => {
  const { state, calls } = desired();
  state.change("all.a", entry(["a"]), 1);
  state.ready();
  await setImmediate();
  state.restart();
  state.change("all.b", entry(["b"]), 9);
  state.ready();
  await setImmediate();
  expect(calls.at(-1)).toBe("9 b:-");
  state.close();
});
