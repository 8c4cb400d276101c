import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, rmdirSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroup2Root } from "../../agent/process/cgroups.ts";
import { parseDuration } from "../../bus/duration.ts";
import type { Hook, Selector } from "../../bus/types/selector.ts";
import { HOOKS } from "../../bus/types/selector.ts";
import { buildProgram } from "../programs/build.ts";
import { Demand, posts } from "./lib/demand.ts";
import { descriptors, mapBytes, programsInKernel, residentMb } from "./lib/kernel-memory.ts";
import { startStack } from "./lib/stack.ts";
import { figure, median } from "./lib/statistics.ts";

// Does it stay as it is? `npm run soak [TIME]` (an hour): an agent under a mixed load of processes, files and connections, with
// every hook demanded, then some, then none, over and over. Its memory, that of its maps and its descriptors must not grow, and
// of what the load did nothing may be missing that is not counted as lost. Ends with 1 where something is not so.
const TIME_MS = parseDuration(process.argv[2] ?? "1h");
const WARM_SHARE = 0.2;
const EXECS = 300;
const CONNECTIONS = 300;
const TURNS = 1000;
/** What the agent's heap and the kernel's own caches may differ by between one look and another. */
const GROWTH_ALLOWED = 1.1;

interface Look {
  minutes: number;
  agentMb: number;
  mapsMb: number;
  descriptors: number;
  programs: number;
}

const programs = { execs: buildProgram("exec-load"), net: buildProgram("net-load"), files: buildProgram("bursts") };
const dir = mkdtempSync(join(tmpdir(), "reeve-soak-"));
const cgroup = `/reeve-soak-${process.pid}`;
mkdirSync(join(cgroup2Root()!, cgroup));
const scoped = (hook: Hook): Selector => ({ ...posts(hook), scope: { cgroup } });
const counted = ["file_open", "file_chmod"] as const;
const looks: Look[] = [];
let unaccounted = 0;
let acts = 0;
let failure = "";

const programsBefore = programsInKernel();
const stack = await startStack(["agent"]);
const agent = stack.pids.get("agent")!;
const demand = await Demand.open(stack);
try {
  const start = Date.now();
  for (let turn = 0; Date.now() - start < TIME_MS; turn++) {
    await demand.put(HOOKS.filter((hook) => hook !== "process_exec").map(scoped));
    await oneRun();
    await demand.put(counted.map(scoped));
    await oneRun();
    await demand.put([]);
    await sleep(500);
    looks.push({
      ...{ minutes: (Date.now() - start) / 60_000, agentMb: residentMb(agent), mapsMb: mapBytes(agent) / 1e6 },
      ...{ descriptors: descriptors(agent), programs: programsInKernel() },
    });
    if (turn % 20 === 0) process.stderr.write(`${JSON.stringify(looks.at(-1))}\n`);
  }
  report();
} finally {
  await demand.close();
  await stack.stop();
  rmSync(dir, { recursive: true, force: true });
  rmdirSync(join(cgroup2Root()!, cgroup));
}
const left = programsInKernel() - programsBefore;
if (left > 0) failure += `${left} programs are left in the kernel; `;
if (failure !== "") {
  console.error(`soak: ${failure}`);
  process.exitCode = 1;
}

/** The load once: what its files' part did is what became records, or is counted as lost. */
async function oneRun(): Promise<void> {
  const before = await demand.fresh();
  const script = `echo $$ > ${join(cgroup2Root()!, cgroup)}/cgroup.procs
    ${programs.execs} 2 ${EXECS} > /dev/null & ${programs.net} ${CONNECTIONS} > /dev/null & exec ${programs.files} 2 ${TURNS} ${dir}`;
  const stdio = Array.from({ length: 10 }, (_, fd): "ignore" | "pipe" | "inherit" =>
    fd === 9 ? "pipe" : fd === 2 ? "inherit" : "ignore",
  );
  const { output, status } = spawnSync("sh", ["-c", script], { stdio });
  if (status !== 0) throw new Error(`the load ended with ${status}`);
  const truth = JSON.parse(String(output[9])) as Record<(typeof counted)[number], number>;
  // the others are still at it
  await sleep(2000);
  const after = await demand.fresh();
  const grown = (of: "counters" | "losses", name: string) => (after[of][name] ?? 0) - (before[of][name] ?? 0);
  const told = grown("counters", "records_file_chmod") + grown("losses", "ring_overflow.file_chmod");
  unaccounted += Math.abs(truth.file_chmod - told);
  acts += truth.file_chmod;
}

function report(): void {
  const warm = looks.slice(Math.ceil(looks.length * WARM_SHARE));
  const third = Math.max(1, Math.floor(warm.length / 3));
  const of = (part: Look[], name: keyof Look) => median(part.map((look) => look[name]));
  console.log("                        early       late");
  const figures: Record<string, number> = { minutes: figure(looks.at(-1)?.minutes ?? 0), turns: looks.length };
  for (const name of ["agentMb", "mapsMb", "descriptors", "programs"] as const) {
    const [early, late] = [of(warm.slice(0, third), name), of(warm.slice(-third), name)];
    console.log(`  ${name.padEnd(14)}${early.toFixed(2).padStart(13)}${late.toFixed(2).padStart(11)}`);
    figures[`${name}_early`] = figure(early);
    figures[`${name}_late`] = figure(late);
    const allowed = name.endsWith("Mb") ? early * GROWTH_ALLOWED : early;
    if (late > allowed) failure += `${name} grew from ${early.toFixed(2)} to ${late.toFixed(2)}; `;
  }
  if (unaccounted > 0) failure += `${unaccounted} of ${acts} acts are unaccounted for; `;
  console.log(JSON.stringify({ ...figures, acts, unaccounted }));
}
