import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { ActiveSelector } from "../../agent/selectors/types.ts";
import type { Predicate } from "../../bus/types/selector.ts";
import { Random, VOCABULARY } from "../agent/selectors/random.ts";
import { connectScript, Host, selector } from "./host.ts";

let host: Host;
beforeAll(() => {
  host = new Host();
});
beforeEach(() => host.reopen({ budget: 5 }));
afterAll(() => host[Symbol.asyncDispose]());

function deny(id: string, priority: number, match: Predicate[]): ActiveSelector {
  return selector({ id, hook: "network_connect", scope: { cgroup: host.cgroup }, priority, match });
}

it("revisions swapped all along: every connect is decided by one of them, whole", async () => {
  const random = new Random(99);
  const program = `
    const dgram = require("dgram");
    const connect = (port) => new Promise((done) => {
      const s = dgram.createSocket("udp4");
      s.on("error", (e) => { s.close(); done(e.code); });
      s.connect(port, "127.0.0.1", (e) => { s.close(); done(e ? e.code : "ok"); });
    });
    const count = {}; let stop = false;
    process.stdin.on("data", () => { stop = true; });
    (async () => {
      process.stdout.write("ready");
      while (!stop) for (const port of [1, 2]) { await new Promise(setImmediate); const k = port + await connect(port); count[k] = (count[k] ?? 0) + 1; }
      process.stdout.write(JSON.stringify(count)); process.exit(0);
    })();`;
  // the same decision by tables of ever other shape: classes, words and hashes of two revisions never fit together
  const revision = (): ActiveSelector[] => [
    ...Array.from({ length: random.below(150) }, (_, i) =>
      deny(`other${i}`, random.below(9), [
        { field: "socket.dport", op: "in", values: [3 + random.below(60_000)] },
        {
          field: "process.binary",
          op: random.pick(["prefix", "notPrefix"]),
          values: [random.pick(VOCABULARY.paths.filter((path) => path.length < 200))],
        },
      ]),
    ),
    deny("port1", random.below(9), [
      { field: "socket.dport", op: "notIn", values: [2, 3] },
      { field: "socket.dport", op: "range", values: [[0, 2]] },
    ]),
  ];
  host.tables.apply(0, revision());
  const child = host.start(`exec ${process.execPath} -e '${program.replaceAll("\n", " ")}'`);
  await once(child.stdout!, "data");
  let swaps = 0;
  const until = performance.now() + 6_000;
  while (performance.now() < until || swaps <= 50) {
    expect(host.tables.apply(++swaps, revision()).refused).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const answer = once(child.stdout!, "data");
  child.stdin!.write("stop");
  const count = JSON.parse(String((await answer)[0])) as Record<string, number>;
  expect(Object.keys(count).sort()).toEqual(["1EPERM", "2ok"]);
  expect(swaps).toBeGreaterThan(50);
  expect(count["1EPERM"]).toBeGreaterThan(500);
  expect(host.tables.counts()).toMatchObject({ broken: 0 });
});

it("a selector that denies more than its budget goes back to monitor and says so, until it is changed", async () => {
  const one = deny("busy", 0, [{ field: "socket.dport", op: "in", values: [9] }]);
  const tries = async () => (await host.run(connectScript("127.0.0.1", 9))).out;
  host.tables.apply(1, [one]);
  for (let i = 0; i < 5; i++) expect(await tries()).toBe("EPERM");
  expect(host.tables.enforceBudget()).toEqual([]);
  expect(await tries()).toBe("EPERM");
  expect(host.tables.enforceBudget()).toEqual([{ entry: "test", id: "busy", denials: 6, budget: 5 }]);
  expect(await tries()).toBe("ok");
  expect(host.tables.counters()).toMatchObject([{ denied: 6, would_deny: 1, hits: 7 }]);
  host.tables.apply(2, [one]);
  expect(await tries()).toBe("ok");
  expect(host.tables.demoted()).toEqual([{ entry: "test", id: "busy" }]);
  host.tables.apply(3, [{ ...one, selector: { ...one.selector, priority: 1 } }]);
  expect(await tries()).toBe("EPERM");
});

it("records are rate limited, their counts are exact", async () => {
  const one = deny("noisy", 0, [{ field: "socket.dport", op: "in", values: [9] }]);
  const { install } = host.tables.apply(1, [{ ...one, selector: { ...one.selector, rate: 2 } }]);
  const records: { install: number; selector: number; count: number }[] = [];
  // Read after each run: the ring holds every exec of this host, and what else goes on must not fill it.
  const denied = async (): Promise<void> => {
    await host.run(connectScript("127.0.0.1", 9));
    host.ring.drain((data, offset) => {
      if (data.readUInt16LE(offset) !== 5) return;
      const at = offset + 16 + 24;
      records.push({
        install: data.readUInt32LE(at),
        selector: data.readUInt32LE(at + 4),
        count: data.readUInt32LE(at + 8),
      });
    });
  };
  host.ring.drain(() => {});
  for (let i = 0; i < 6; i++) await denied();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await denied();
  expect(records.reduce((sum, { count }) => sum + count, 0)).toBe(7);
  expect(host.tables.describe(records[0]!.install, records[0]!.selector)?.selector.id).toBe("noisy");
  expect(records.every((record) => record.install <= install)).toBe(true);
  expect(host.tables.counters()).toMatchObject([{ hits: 7, denied: 7, rate_limited: 7 - records.length }]);
});
