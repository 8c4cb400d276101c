import { OperatorBus } from "../../bus/clients/operator.ts";
import { ControllerBus } from "../../bus/clients/controller.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";
import { buildRuleSet } from "../../rules/build/build.ts";
import { startBus, until } from "../bus/harness.ts";
import { startEngine } from "../loop/engines/engine-process.ts";
import { publishAsFleet } from "../loop/engines/fleet.ts";
import { rulesDir, yamlRule } from "../rules/helpers.ts";
import { cpuOf } from "./lib/cpu.ts";
import { figure } from "./lib/statistics.ts";

// How many events does one engine take from the bus, and what does that cost engine and server? `npm run bench:drain
// [SECONDS]`: a fleet's events are stored while no engine runs (one of a hundred is a finding), then one engine reads them all.
const SECONDS = Number(process.argv[2] ?? 5);
const NODES = Array.from({ length: 12 }, (_, n) => `node-${n}`);
const RATE = 40_000;

const bus = await startBus({ "bus.nodes": NODES, "log.level": "error" });
using rules = rulesDir({ "marks.yaml": yamlRule("marks", '$startsWith(process.binary, "/mark/")') });
const { bytes, info } = await buildRuleSet({ dirs: [rules.dir], shipped: true });
await new ControllerBus(await bus.connect("controller")).putRuleSet(bytes, info);
const operator = new OperatorBus(await bus.connect("operator"));
const before = cpuOf(bus.server.pid);
const truth = await publishAsFleet(bus, { nodes: NODES, rate: RATE, seconds: SECONDS });
const stored = cpuOf(bus.server.pid);
const engine = await startEngine(bus.config, "one");
const ready = { at: performance.now(), engine: cpuOf(engine.pid), bus: cpuOf(bus.server.pid) };
await until(async () => (await evaluated()) >= truth.events, 120_000);
const seconds = (performance.now() - ready.at) / 1000;
const us = { engine: cpuOf(engine.pid) - ready.engine, bus: cpuOf(bus.server.pid) - ready.bus };
await engine.kill("SIGTERM");
await bus.stop();

const figures = {
  drain_per_s: figure(truth.events / seconds),
  engine_us_per_event: figure(us.engine / truth.events),
  bus_store_us_per_event: figure((stored - before) / truth.events),
  bus_read_us_per_event: figure(us.bus / truth.events),
};
console.log(
  `${truth.events} events, ${truth.marks.size} findings, ${info.rules} rules; read in ${seconds.toFixed(1)} s\n`,
);
console.log(JSON.stringify(figures));

async function evaluated(): Promise<number> {
  const status = (await operator.readStatus()).find(({ key }) => key.startsWith("engine."))?.value as EngineStatus;
  return status?.counters["events"] ?? 0;
}
