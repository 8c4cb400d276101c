import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ControllerBus } from "../../../bus/clients/controller.ts";
import { OperatorBus } from "../../../bus/clients/operator.ts";
import type { Alert } from "../../../bus/types/alert.ts";
import type { EngineStatus } from "../../../bus/types/engine-status.ts";
import { buildRuleSet } from "../../../rules/build/build.ts";
import { collect, startBus, until } from "../../bus/harness.ts";
import type { TestBus } from "../../bus/harness.ts";
import { rulesDir, yamlRule } from "../../rules/helpers.ts";
import { startEngine } from "./engine-process.ts";
import type { EngineProcess } from "./engine-process.ts";
import { publishAsFleet } from "./fleet.ts";
import type { Truth } from "./fleet.ts";

// Two engines as processes, a real bus, and a fleet of agents that publish 20,000 events a second. One of them dies in the
// midst of it. What came of it is counted against what was published.

const NODES = Array.from({ length: 12 }, (_, n) => `node-${n}`);
const RATE = 20_000;
const SECONDS = 6;
const WITHIN_S = 15;

let bus: TestBus;
let operator: OperatorBus;
let engines: EngineProcess[] = [];
let heard: string[] = [];

beforeEach(async () => {
  bus = await startBus({ "bus.nodes": NODES, "log.level": "info" });
  operator = new OperatorBus(await bus.connect("operator"));
  const reader = await bus.connect("reader");
  heard = [];
  reader.subscribe("reeve.alerts.>", (message) => void heard.push((JSON.parse(message.string()) as Alert).id));
  await reader.flush();
  using rules = rulesDir({
    "marks.yaml": yamlRule("marks", '$startsWith(process.binary, "/mark/")'),
    "windowed.yaml": yamlRule(
      "windowed",
      'process.binary = "/windowed"',
      `dedupe: {by: [process.binary], within: ${WITHIN_S}s}\n`,
    ),
  });
  const { bytes, info } = await buildRuleSet({ dirs: [rules.dir], shipped: false });
  await new ControllerBus(await bus.connect("controller")).putRuleSet(bytes, info);
  engines = await Promise.all(["one", "two"].map((name) => startEngine(bus.config, name)));
  await until(async () => (await shares()).join() === "16,16", 20_000);
}, 60_000);

afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.kill("SIGTERM")));
  await bus.stop();
});

async function shares(): Promise<number[]> {
  const entries = await operator.readStatus();
  const statuses = entries.filter(({ key }) => key.startsWith("engine.")).map(({ value }) => value as EngineStatus);
  return statuses.map(({ partitions }) => partitions.length);
}

async function alerts(rule: string): Promise<Alert[]> {
  const all = await collect(operator.readAlerts()).catch(() => []); // the bus is away for a while
  return all.filter((alert) => alert.rule === rule);
}

/** Every mark told once and no other; of each node one window, with the count of all. */
async function expectTruth(truth: Truth): Promise<void> {
  await until(async () => (await alerts("marks")).length >= truth.marks.size, 60_000);
  const summaries = async (): Promise<Alert[]> => (await alerts("windowed")).filter((alert) => alert.summary === true);
  await until(async () => (await summaries()).length >= NODES.length, (WITHIN_S + 20) * 1000);
  await sleep(1000); // Whatever were told twice would be by now.
  const marks = (await alerts("marks")).map(({ event }) => ("process" in event ? event.process?.binary : ""));
  expect(truth.marks.size).toBeGreaterThan(100);
  expect(marks).toHaveLength(truth.marks.size);
  expect(new Set(marks)).toEqual(truth.marks);
  const windowed = await alerts("windowed");
  expect(
    windowed
      .filter(({ summary }) => summary !== true)
      .map(({ node }) => node)
      .toSorted(),
  ).toEqual(NODES.toSorted());
  expect(Object.fromEntries((await summaries()).map(({ node, count }) => [node, count]))).toEqual(
    Object.fromEntries(truth.windowed),
  );
  // A plain subscriber is told nothing twice.
  expect(heard).toHaveLength(new Set(heard).size);
}

test("one of two engines is killed under load: nothing is lost, nothing told twice, windows go on", async () => {
  const publishing = publishAsFleet(bus, { nodes: NODES, rate: RATE, seconds: SECONDS });
  await sleep((SECONDS * 1000) / 2);
  await engines[0]!.kill("SIGKILL");
  const truth = await publishing;
  await until(async () => (await shares()).includes(32), 30_000);
  await expectTruth(truth);
}, 180_000);

test("the bus is killed and restarted under load: the same", async () => {
  const publishing = publishAsFleet(bus, { nodes: NODES, rate: RATE, seconds: SECONDS });
  await sleep((SECONDS * 1000) / 2);
  await bus.restart("kill", 300);
  await expectTruth(await publishing);
}, 180_000);
