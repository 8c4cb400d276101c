import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { OperatorBus } from "../../bus/clients/operator.ts";
import { connect } from "../../bus/connection.ts";
import type { Alert } from "../../bus/types/alert.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";
import type { NodeStatus } from "../../bus/types/status.ts";
import { rulesDir, yamlRule } from "../rules/helpers.ts";
import { bpfTimeOf, cpuOf, withBpfStats } from "./lib/cpu.ts";
import { attachLoad } from "./lib/pipeline-load.ts";
import type { PipelineLoad } from "./lib/pipeline-load.ts";
import { startStack } from "./lib/stack.ts";
import type { Stack } from "./lib/stack.ts";
import { figure } from "./lib/statistics.ts";

// How many events a second go all the way on one host, ring, agent, bus, engine, alert, with none lost? `npm run bench:pipeline
// [SECONDS]`: processes are written into the agent's ring at a steady rate (an exec and an exit each; every hundredth exec is a
// finding of its own), faster each time, until an event is lost or the alerts come late. What did it cost where?
const SECONDS = Number(process.argv[2] ?? 4);
/** Processes a second: two events each. */
const FIRST = 8000;
const LEAST = 250;
/** By how much the next load is faster: first in large steps, then from the last that went through in small ones. */
const STEPS = [1.3, 1.08];
/** The whole takes no longer, whatever becomes of it; so does a signal end it. What was measured by then is told. */
const BUDGET_MS = 180_000;
/** So many faster loads that bring no more events: this program makes none. */
const STALLS = 2;
/** All alerts must be there so long after the last event. */
const LATE_MS = 2000;
const LIMIT_MS = 10_000;
/** A rate at which it fails is tried once more: the machine may have been busy. */
const TRIES = 2;
const PARTS = ["agent", "bus", "engine", "controller"] as const;

interface Measured {
  events_per_s: number;
  lost: number;
  /** From the last event to the last alert. */
  late_ms: number;
  missing: number;
  doubled: number;
  /** Microseconds of CPU an event, by stage. */
  us: Record<string, number>;
}

using rules = rulesDir({ "marks.yaml": yamlRule("marks", '$startsWith(process.binary, "/mark/")') });
const stack = await startStack(["controller", "engine", "agent"], {
  "rules.dirs": [rules.dir],
  // exits go all the way too, though no rule wants them
  "agent.history": ["process_exec", "process_exit"],
});
const began = performance.now();
let stopped: string | null = null;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => (stopped = `stopped by ${signal}`));
const operator = new OperatorBus(await connect("operator", stack.config));
const found = new Map<string, number>();
operator.subscribeAlerts((alert: Alert) => {
  const binary = alert.rule === "marks" && "process" in alert.event ? (alert.event.process?.binary ?? "") : "";
  if (binary !== "") found.set(binary, (found.get(binary) ?? 0) + 1);
});
await operator.bus.flush();
let best: Measured | undefined;
let load: PipelineLoad | undefined;
try {
  load = attachLoad(stack.pids.get("agent") as number);
  await sleep(3000);
  await measure(load, FIRST);
  for (let rate = FIRST, carried = 0, step = 0, tries = 0, stalls = 0; stopped === null;) {
    const measured = await withBpfStats(() => measure(load as PipelineLoad, rate));
    const good = measured.lost + measured.missing + measured.doubled === 0 && measured.late_ms <= LATE_MS;
    console.log(line(measured, good));
    stalls = good && measured.events_per_s < (best?.events_per_s ?? 0) * 1.05 ? stalls + 1 : 0;
    if (good && measured.events_per_s > (best?.events_per_s ?? 0)) best = measured;
    tries = good ? 0 : tries + 1;
    if (good) [carried, rate] = [rate, rate * STEPS[step]!];
    // a machine that does not even carry the first rate is asked for less
    else if (best === undefined && rate > LEAST) [rate, tries] = [rate / 2, 0];
    if (tries >= TRIES) {
      if (++step >= STEPS.length || carried === 0) break;
      [rate, tries] = [carried * STEPS[step]!, 0];
    }
    if (stalls >= STALLS) stopped ??= "no more events could be made";
    if (performance.now() - began > BUDGET_MS) stopped ??= `stopped after ${BUDGET_MS / 1000} s`;
  }
} finally {
  load?.close();
  await operator.bus.close();
  await stack.stop();
}
report();

async function measure(from: PipelineLoad, rate: number): Promise<Measured> {
  found.clear();
  const before = await readings(stack, from);
  const { processes, marks, ms } = await from.run(rate, SECONDS);
  const end = performance.now();
  while (marks.some((mark) => !found.has(mark)) && performance.now() - end < LIMIT_MS) await sleep(20);
  const late_ms = performance.now() - end;
  await evaluated(before.events + processes);
  const after = await readings(stack, from);
  const events = processes * 2;
  const missing = marks.filter((mark) => !found.has(mark)).length;
  const doubled = [...found.values()].filter((times) => times > 1).length;
  const us = Object.fromEntries(Object.entries(after.us).map(([k, v]) => [k, (v - (before.us[k] ?? 0)) / events]));
  return { events_per_s: (events / ms) * 1000, lost: after.lost - before.lost, late_ms, missing, doubled, us };
}

/** Waits until the engine's status says that it has evaluated so many, or is not going on. */
async function evaluated(events: number): Promise<void> {
  for (const end = Date.now() + 5000; Date.now() < end && (await engineEvents()) < events;) await sleep(200);
}

async function engineEvents(): Promise<number> {
  const status = (await operator.readStatus()).find(({ key }) => key.startsWith("engine."))?.value as EngineStatus;
  return status?.counters["events"] ?? 0;
}

/** CPU microseconds by stage, and what was lost in the ring or after it. */
async function readings(
  of: Stack,
  from: PipelineLoad,
): Promise<{ us: Record<string, number>; lost: number; events: number }> {
  const us: Record<string, number> = { load: process.cpuUsage().user + process.cpuUsage().system };
  for (const part of PARTS) us[part] = cpuOf(of.pids.get(part) as number);
  us["programs"] = bpfTimeOf(of.pids.get("agent") as number);
  const node = (await operator.readStatus()).find(({ key }) => key.startsWith("node."))?.value as NodeStatus;
  const said = Object.values(node?.losses ?? {}).reduce((sum, count) => sum + count, 0);
  return { us, lost: from.lost() + said, events: await engineEvents() };
}

function line({ events_per_s, lost, missing, doubled, late_ms, us }: Measured, good: boolean): string {
  const parts = [...PARTS, "load"].map((part) => `${part} ${(us[part] ?? 0).toFixed(2)}`).join("  ");
  const counts = `${lost} lost, ${missing} missing, ${doubled} doubled, last alert after ${Math.round(late_ms)} ms`;
  return `${Math.round(events_per_s).toString().padStart(7)} events/s  ${good ? "ok" : "no"}  ${counts}\n         us an event: ${parts}`;
}

function report(): void {
  if (best === undefined) throw new Error("not even the first rate went through");
  const { us, events_per_s } = best;
  const total = PARTS.reduce((sum, part) => sum + (us[part] ?? 0), 0);
  const why = stopped === null ? "" : ` (${stopped}: it may carry more)`;
  console.log(`\n${Math.round(events_per_s)} events/s with none lost, on ${availableParallelism()} cores${why}`);
  for (const part of PARTS)
    console.log(
      `  ${part.padEnd(12)} ${(us[part] ?? 0).toFixed(2)} us an event  ${((100 * (us[part] ?? 0)) / total).toFixed(0)} %`,
    );
  const shares = PARTS.map((part) => [`${part}_share`, figure((us[part] ?? 0) / total)]);
  console.log(
    JSON.stringify({
      pipeline_per_s: figure(events_per_s),
      pipeline_us_per_event: figure(total),
      load_us_per_event: figure(us["load"] ?? 0),
      ...Object.fromEntries(shares),
    }),
  );
}
