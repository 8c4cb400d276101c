import { expect, test } from "vitest";
import { atom } from "../../../bus/formula/formula.ts";
import type { Demand } from "../../../bus/types/demand.ts";
import type { NodeStatus } from "../../../bus/types/status.ts";
import { Counters } from "../../../controller/counters.ts";
import { ruleNodes } from "../../../controller/control/rule-nodes.ts";
import { DemandBook } from "../../../controller/demand/book.ts";
import { entryOf, sameEntry } from "../../../controller/demand/entries.ts";
import { DemandHandler } from "../../../controller/demand/handler.ts";
import { DesiredWriter } from "../../../controller/desired/writer.ts";
import { until } from "../../bus/harness.ts";
import { FakeBus, SILENT } from "../fake-bus.ts";

const digest = (n: number): string => `sha256:${String(n).repeat(64)}`;
const opens = (prefix: string) => ({ formula: atom("prefix", ["file", "path"], [prefix]), for: [`rule ${prefix}`] });
const engine = (prefix: string, n = 1): Demand => ({
  ...{ wants: { file_open: opens(prefix) }, ttl: 30_000, rulesets: [digest(n)] },
  standby: ["network_connect"],
});
const reader = (prefix: string, ttl = 10_000): Demand => ({ wants: { file_open: opens(prefix) }, ttl });

test("a holder counts until it has not said anything for as long as it said", () => {
  const book = new DemandBook();
  book.change("engine.a", engine("/a/"), 0);
  book.change("engine.b", engine("/b/", 2), 0);
  book.change("reader.x", reader("/x/"), 0);
  book.change("reader.x", reader("/x/"), 5000);
  expect(book.together("engine")).toMatchObject({ holders: 2, rulesets: [digest(1), digest(2)] });
  expect(book.expire(14_999)).toBe(false);
  expect(book.together("reader").wants).toEqual({ file_open: opens("/x/") });
  expect(book.expire(15_000)).toBe(true);
  expect(book.together("reader").holders).toBe(0);
  book.change("engine.a", null, 16_000);
  expect(book.together("engine")).toMatchObject({ holders: 1, wants: { file_open: opens("/b/") } });
});

test("the entry is the same for as long as the same is wanted", () => {
  const book = new DemandBook();
  expect(entryOf(book.together("reader"), 0)).toBeNull();
  book.change("engine.a", engine("/a/"), 0);
  const entry = entryOf(book.together("engine"), 0)!;
  expect(entry).toMatchObject({ hooks: ["file_open", "network_connect"], ttl: "none" });
  expect(entry.selectors).toMatchObject([{ hook: "file_open", action: "post", scope: {} }]);
  const stored = JSON.parse(JSON.stringify(entry)) as typeof entry;
  expect(sameEntry(stored, entryOf(book.together("engine"), 99_999))).toBe(true);
  book.change("engine.a", engine("/b/"), 0);
  expect(sameEntry(stored, entryOf(book.together("engine"), 0))).toBe(false);
  expect([sameEntry(undefined, null), sameEntry(stored, null)]).toEqual([true, false]);
});

test("agents are asked for what is wanted; what rules want stays when the last engine is gone, what readers want does not", async () => {
  const bus = new FakeBus();
  const writer = new DesiredWriter(bus.desired);
  const counters = new Counters();
  let now = 0;
  const stop = new AbortController();
  const handler = new DemandHandler({
    ...{ writer, counters, log: SILENT, now: () => now, standby: [], onDone: () => {} },
  });
  const running = handler.run(bus.demands(stop.signal), stop.signal);
  const paths = (key: string): unknown =>
    bus.desired.entries.get(key)?.entry.selectors.flatMap(({ match }) => match.map(({ values }) => values[0]));

  bus.demand("engine.a", engine("/a/"));
  await until(() => bus.desired.entries.has("all.demand"));
  bus.demand("reader.x", reader("/x/"));
  await until(() => bus.desired.entries.has("all.demand-readers"));
  expect([paths("all.demand"), paths("all.demand-readers")]).toEqual([["/a/"], ["/x/"]]);

  const written = counters.get("demands_written");
  bus.demand("engine.a", engine("/a/"));
  bus.demand("reader.broken", { wants: { file_open: { formula: { op: "no" }, for: [] } }, ttl: 5000 });
  await until(() => counters.get("demands_refused") === 1);
  expect(counters.get("demands_written")).toBe(written);

  now = 40_000;
  await until(() => !bus.desired.entries.has("all.demand-readers"));
  expect(paths("all.demand")).toEqual(["/a/"]);
  bus.demand("engine.b", engine("/b/", 2));
  await until(() => JSON.stringify(paths("all.demand")) === '["/b/"]');
  // somebody takes it away by hand: it comes back
  bus.desired.entries.delete("all.demand");
  writer.live.drop("all.demand");
  await until(() => bus.desired.entries.has("all.demand"));
  stop.abort();
  await running;
});

const NOW = Date.parse("2026-11-22T10:00:00Z");
const node = (name: string, change: Partial<NodeStatus> = {}): [string, Partial<NodeStatus>] => [
  `node.${name}`,
  {
    ...{ node: name, time: new Date(NOW).toISOString(), state: "running", rulesets: [digest(1)], refused: [] },
    hooks: [{ hook: "file_open", rung: "lsm", attached: true, can_deny: true }],
    ...change,
  },
];

test.each<[string, [string, unknown][], string[], object]>([
  ["everywhere", [node("a"), node("b")], ["file_open"], { active: 2, of: 2, missing: [] }],
  [
    "where the set is known",
    [node("a"), node("b", { rulesets: [digest(2)] })],
    ["process_exec"],
    { active: 1, of: 2, missing: [{ node: "b", reason: "it does not know the rule set yet" }] },
  ],
  [
    "where its hook is attached",
    [node("b", { hooks: [{ hook: "file_open", rung: "none", attached: false, can_deny: false, detail: "EPERM" }] })],
    ["file_open"],
    { active: 0, of: 1, missing: [{ node: "b", reason: "file_open is not attached: EPERM" }] },
  ],
  ["execs need no hook", [node("b", { hooks: [] })], ["process_exec"], { active: 1, of: 1, missing: [] }],
  [
    "where no filter is refused",
    [node("b", { refused: [{ entry: "all.demand", selector: "want-file_open-1", reason: "limit" }] })],
    ["file_open"],
    { active: 0, of: 1, missing: [{ node: "b", reason: "a filter for file_open is refused: limit" }] },
  ],
  [
    "not where it is disarmed",
    [node("b", { state: "disarmed" })],
    ["file_open"],
    { active: 0, of: 1, missing: [{ node: "b", reason: "it is disarmed" }] },
  ],
  [
    "nodes that are gone do not count",
    [node("b", { time: "2026-11-22T09:00:00Z" })],
    ["file_open"],
    { active: 0, of: 0 },
  ],
])("a rule is active: %s", (_name, statuses, on, expected) => {
  expect(ruleNodes(new Map(statuses), { on }, digest(1), NOW)).toMatchObject(expected);
});
