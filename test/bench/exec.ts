import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { bpfTimeOf, cpuOf, withBpfStats } from "./lib/cpu.ts";
import { putExecSelectors } from "./lib/exec-selectors.ts";
import { buildProgram } from "../programs/build.ts";
import { runJson } from "./lib/run-json.ts";
import { startStack } from "./lib/stack.ts";
import type { Stack } from "./lib/stack.ts";
import { figure, median, ratioOf } from "./lib/statistics.ts";

// What does watching every process cost? `npm run bench:exec [ROUNDS [EXECS]]`: an exec-heavy load as wide as the cores, with
// nothing, with agent and bus, with these and 1,000 selectors on process_exec, with everything, and with nothing once more (A/A), in an order that changes every round.
const ROUNDS = Number(process.argv[2] ?? 10);
const EXECS = Number(process.argv[3] ?? 6000);
const WIDTH = availableParallelism();
const SELECTORS = 1000;
type Mode = "nothing" | "again" | "agent" | "selectors" | "all";
const MODES: Mode[] = ["nothing", "agent", "again", "selectors", "all"];

interface Measured {
  wallNs: number;
  /** CPU time of the parts and the programs per exec and exit, microseconds. */
  us: Record<string, number>;
}

const load = buildProgram("exec-load");
const measured = new Map<Mode, Measured[]>(MODES.map((mode) => [mode, []]));
await runJson(load, [String(WIDTH), String(EXECS)]);
for (let round = 0; round < ROUNDS; round++) {
  for (let i = 0; i < MODES.length; i++) {
    const mode = MODES[(i + round) % MODES.length] as Mode;
    measured.get(mode)?.push(await measure(mode));
  }
  process.stderr.write(`round ${round + 1} of ${ROUNDS}\n`);
}
report();

async function measure(mode: Mode): Promise<Measured> {
  if (mode === "nothing" || mode === "again") {
    await sleep(500);
    return { wallNs: await once(), us: {} };
  }
  const stack = await startStack(mode === "all" ? ["controller", "engine", "agent"] : ["agent"]);
  try {
    if (mode === "selectors") await putExecSelectors(stack.config, SELECTORS);
    // The first rule set is built, code gets warm.
    await sleep(2500);
    await once();
    await sleep(500);
    const wallNs = await once();
    const us = await withBpfStats(() => cpuPerExec(stack));
    return { wallNs, us };
  } finally {
    await stack.stop();
  }
}

async function once(): Promise<number> {
  return (await runJson<{ wall_ns: number }>(load, [String(WIDTH), String(EXECS)])).wall_ns;
}

async function cpuPerExec(stack: Stack): Promise<Record<string, number>> {
  const read = (): [string, number][] => {
    const all: [string, number][] = [...stack.pids].map(([name, pid]) => [name, cpuOf(pid)]);
    return [...all, ["programs", bpfTimeOf(stack.pids.get("agent") as number)]];
  };
  const before = new Map(read());
  await once();
  // What was published is still to be evaluated.
  await sleep(1500);
  return Object.fromEntries(read().map(([name, us]) => [name, (us - (before.get(name) ?? 0)) / EXECS]));
}

function report(): void {
  const parts = ["programs", "agent", "bus", "engine", "controller"];
  const cost = (mode: Mode, part: string): number => median((measured.get(mode) ?? []).map((one) => one.us[part] ?? 0));
  const total = (mode: Mode, which: readonly string[]): number =>
    median((measured.get(mode) ?? []).map((one) => which.reduce((sum, part) => sum + (one.us[part] ?? 0), 0)));
  const pairs = (mode: Mode) =>
    (measured.get(mode) ?? []).map((one, i) => ({
      with: one.wallNs,
      without: measured.get("nothing")?.[i]?.wallNs ?? Number.NaN,
    }));
  console.log(`${ROUNDS} rounds of ${EXECS} short-lived processes, ${WIDTH} wide\n`);
  console.log(`CPU per exec+exit, us (median)   agent and bus   + ${SELECTORS} selectors        all`);
  for (const part of parts) {
    console.log(
      `  ${part.padEnd(28)}${cost("agent", part).toFixed(2).padStart(16)}` +
        `${cost("selectors", part).toFixed(2).padStart(19)}${cost("all", part).toFixed(2).padStart(11)}`,
    );
  }
  console.log("\nwall time over nothing at all    median ratio    95 % interval");
  const figures: Record<string, number> = {
    agent_us_per_exec: figure(total("agent", ["programs", "agent"])),
    agent_us_per_exec_1000: figure(total("selectors", ["programs", "agent"])),
    all_us_per_exec: figure(total("all", parts)),
  };
  for (const [name, mode] of [
    ["agent", "agent"],
    ["all", "all"],
    ["aa", "again"],
  ] as const) {
    const { ratio, interval } = ratioOf(pairs(mode));
    console.log(
      `  ${name.padEnd(28)}${ratio.toFixed(4).padStart(16)}    ${interval[0].toFixed(4)} - ${interval[1].toFixed(4)}`,
    );
    figures[`${name}_ratio`] = figure(ratio);
    figures[`${name}_ratio_low`] = figure(interval[0]);
    figures[`${name}_ratio_high`] = figure(interval[1]);
  }
  console.log(JSON.stringify(figures));
}
