import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { AgentBus } from "../../../bus/clients/agent.ts";
import { EngineBus } from "../../../bus/clients/engine.ts";
import { OperatorBus } from "../../../bus/clients/operator.ts";
import type { Config } from "../../../bus/config/settings.ts";
import { partitionOf } from "../../../bus/partition.ts";
import { eventSubject } from "../../../bus/subjects.ts";
import { Pool } from "../../../rules/engine/pool.ts";
import { collect, startBus, until } from "../../bus/harness.ts";
import type { TestBus } from "../../bus/harness.ts";
import { build, exec, lines, regoRule, yamlRule } from "../helpers.ts";

// Threads that evaluate, on a real bus: what becomes of rules that do not come to an end, and of all others.

const NODES = ["web-1", "db-1"];
const PARTITIONS = NODES.map((node) => partitionOf(node));
const LOOP = '($f := function($n) { $f($n + 1) }; process.binary = "/loop" ? $f(1) : process.binary = "/hit")';

let bus: TestBus;
let engine: EngineBus;
let operator: OperatorBus;
let agents: Map<string, AgentBus>;
let pool: Pool | undefined;
let seq = 0;
let from = 0;

beforeAll(async () => {
  bus = await startBus({ "bus.nodes": NODES, "log.level": "silent" });
  engine = new EngineBus(await bus.connect("engine"));
  operator = new OperatorBus(await bus.connect("operator"));
  const connected = NODES.map(async (node) => [node, new AgentBus(await bus.connect("agent", node))] as const);
  agents = new Map(await Promise.all(connected));
});
afterAll(() => bus.stop());
afterEach(async () => {
  await pool?.stop();
});

interface Told {
  disabled: string[];
  restarts: string[];
}

async function start(
  files: Record<string, string>,
  settings: Partial<Config["engine"]> = {},
  threads = 1,
): Promise<Told> {
  const { bytes } = await build(files);
  const told: Told = { disabled: [], restarts: [] };
  const config = { ...bus.config, engine: { ...bus.config.engine, memory_mb: 128, watchdog_ms: 150, ...settings } };
  pool = await Pool.start(bytes, {
    ...{ config, threads, bus: engine },
    onDisabled: (id, reason) => told.disabled.push(`${id} ${reason}`),
    onRestart: (reason) => told.restarts.push(reason),
  });
  await pool.setPartitions(PARTITIONS);
  from = seq;
  return told;
}

/** One message with one event. */
async function publish(process: object, node = "web-1"): Promise<void> {
  const payload = lines(exec({ node, process }, ++seq));
  await agents.get(node)!.events.publish(eventSubject("process_exec", node), payload, `${seq}`);
}

/** What was told of the events since the start, in the order of the events: `3 good`. */
async function findings(count: number): Promise<string[]> {
  const read = async (): Promise<string[]> => {
    const alerts = (await collect(operator.readAlerts())).map(({ rule, event }) => ({
      rule,
      n: Number(event.id.split("/").at(-1)) - from,
    }));
    return alerts
      .filter(({ n }) => n > 0)
      .sort((a, b) => a.n - b.n || (a.rule < b.rule ? -1 : 1))
      .map(({ n, rule }) => `${n} ${rule}`);
  };
  await until(async () => (await read()).length >= count, 30_000);
  return read();
}

test("a JSONata rule that loops is stopped and disabled in all threads; what was in their hands is evaluated by the others", async () => {
  const told = await start(
    { "loop.yaml": yamlRule("loop", `'${LOOP}'`), "good.yaml": yamlRule("good", "true") },
    {},
    2,
  );
  const begin = performance.now();
  await Promise.all(["/hit", "/loop", "/a", "/b"].map((binary) => publish({ binary })));
  expect(await findings(5)).toEqual(["1 good", "1 loop", "2 good", "3 good", "4 good"]);
  // Given back at once, not when their time limit is over, each time.
  expect(performance.now() - begin).toBeLessThan(9000);
  expect(told.disabled).toEqual(["loop did not come to an end within 150 ms"]);
  expect(told.restarts).toHaveLength(2);
  await publish({ binary: "/loop" }, "db-1");
  expect(await findings(6)).toContain("5 good");
  expect([told.disabled.length, told.restarts.length]).toEqual([1, 2]);
  expect(pool!.counts().find(({ id }) => id === "good")!.counts.hits).toBeGreaterThanOrEqual(5);
  expect(pool!.counters()["events"]).toBeGreaterThanOrEqual(5);
});

test("of the Rego rules of a kind, the one that takes too long is found", async () => {
  // Work that needs hardly any memory: else that may end before its time does.
  const slow = `alert contains {} if {
	input.process.uid == 7
	long := concat("", ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" | some _ in numbers.range(1, 20000)])
	some _ in numbers.range(1, 100000)
	contains(long, "aaaaaaaaaaaaaaaaaaab")
}`;
  await start({
    "slow.rego": regoRule("slow", slow),
    "good.rego": regoRule("good", "alert contains {} if input.process.uid == 7"),
  });
  await publish({}); // the first is a sample, taken rule by rule
  await publish({ uid: 7 });
  expect(await findings(1)).toEqual(["2 good"]);
  expect([...pool!.disabled.keys()]).toEqual(["slow"]);
});

test("a rule that takes all the memory of the thread is disabled", async () => {
  const eat =
    '( $f := function($l, $n) { $n = 0 ? $l : $f($append($l, [1..500000]), $n - 1) }; process.binary = "/eat" and $count($f([], 400)) > 0 )';
  await start(
    { "eat.yaml": yamlRule("eat", `'${eat}'`), "good.yaml": yamlRule("good", "true") },
    { watchdog_ms: 20_000, memory_mb: 64 },
  );
  await publish({ binary: "/eat" });
  expect(await findings(1)).toEqual(["1 good"]);
  expect([...pool!.disabled.keys()]).toEqual(["eat"]);
});

test("Rego that fills its memory is stopped by it, twice, and is then disabled; no thread is restarted", async () => {
  const eats = `alert contains {} if { input.process.uid == 7; count([[x, y] | some x in numbers.range(1, 3000); some y in numbers.range(1, 3000)]) > 0 }`;
  const told = await start(
    {
      "eats.rego": regoRule("eats", eats),
      "good.rego": regoRule("good", "alert contains {} if input.process.uid == 7"),
    },
    { memory_mb: 32, watchdog_ms: 20_000 },
  );
  await publish({ uid: 7 });
  expect(await findings(1)).toEqual(["1 good"]);
  expect(told.disabled).toEqual([]);
  await Promise.all(Array.from({ length: 20 }, () => publish({ uid: 7 })));
  expect(await findings(21)).toHaveLength(21);
  expect(told).toEqual({ disabled: ["eats needs more than 32 MiB of memory"], restarts: [] });
  const { evaluations, errors } = pool!.counts().find(({ id }) => id === "eats")!.counts;
  expect([evaluations, errors]).toEqual([2, 2]);
});

test("partitions that are left are read by whoever takes them, each event once", async () => {
  await start({ "good.yaml": yamlRule("good", "true") });
  const other = await Pool.start((await build({ "good.yaml": yamlRule("good", "true") })).bytes, {
    ...{ config: bus.config, threads: 2, bus: engine },
  });
  try {
    const published: Promise<void>[] = [];
    for (let turn = 0; turn < 10; turn++) {
      for (let n = 0; n < 20; n++) published.push(publish({}, NODES[n % 2]));
      const [left, taken] = turn % 2 === 0 ? [pool!, other] : [other, pool!];
      await left.setPartitions([]);
      await taken.setPartitions(PARTITIONS);
    }
    await Promise.all(published);
    // What the server sent to the reader that has just left is given back by it, or comes again after some seconds.
    const found = await findings(200);
    expect(new Set(found).size).toBe(200);
    expect(found).toHaveLength(200);
    const events = [pool!, other].map((it) => it.counters()["events"] ?? 0);
    expect(events[0]! + events[1]!).toBe(200);
  } finally {
    await other.stop();
  }
});

test("a set that cannot be loaded says so at once", async () => {
  await expect(Pool.start(Buffer.from("{}"), { config: bus.config, threads: 1, bus: engine })).rejects.toMatchObject({
    code: "bundle",
  });
});
