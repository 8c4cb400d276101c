import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as plainConnect } from "nats";
import { connect } from "../../bus/connection.ts";
import { busUrl } from "../../bus/credentials.ts";
import { DeciderBus } from "../../bus/clients/decider.ts";
import { OperatorBus } from "../../bus/clients/operator.ts";
import type { Alert } from "../../bus/types/alert.ts";
import { cgroup2Root } from "../../agent/process/cgroups.ts";
import { buildProgram } from "../programs/build.ts";
import { anonymousMb } from "./lib/cpu.ts";
import { startStack } from "./lib/stack.ts";
import type { Stack } from "./lib/stack.ts";
import { figure, percentile } from "./lib/statistics.ts";

// How long from the act to the alert, and from a decision to the kernel? `npm run bench:latency [ALERTS [DECISIONS]]`, under
// 2,000 background events a second (1,000 processes that start and end). The act's time is the kernel's, the alert's that of
// a plain subscriber's clock; a decision is in force when a process that connects again and again is first refused.
const ALERTS = Number(process.argv[2] ?? 300);
const DECISIONS = Number(process.argv[3] ?? 60);
const BACKGROUND_EXECS_PER_S = 1000;
const root = cgroup2Root();
if (root === undefined) throw new Error("this needs a cgroup v2 hierarchy");

const load = buildProgram("exec-load");
const prober = buildProgram("connect-until-denied");
const acts = mkdtempSync(join(tmpdir(), "reeve-bench-"));
const cgroup = join(root, `reeve-bench-${process.pid}`);
let stack: Stack | undefined;
try {
  mkdirSync(cgroup);
  // Connects are watched in the bench's own cgroup only.
  stack = await startStack(["controller", "engine", "agent"], {
    "agent.cgroup": `/reeve-bench-${process.pid}`,
    "controller.deciders": { bench: {} },
  });
  await sleep(4000);
  const seconds = Math.ceil(ALERTS / 10 + DECISIONS + 10);
  const background = spawn(load, ["1", String(seconds * BACKGROUND_EXECS_PER_S), String(BACKGROUND_EXECS_PER_S)], {
    stdio: "ignore",
  });
  try {
    await sleep(3000);
    const aa = await alertLatencies(stack, ALERTS / 2);
    const alerts = await alertLatencies(stack, ALERTS / 2);
    const [first = Number.NaN, ...decisions] = await decisionLatencies(stack, DECISIONS + 1);
    report(stack, { aa, alerts, decisions, first });
  } finally {
    background.kill();
  }
} finally {
  await stack?.stop();
  rmdirSync(cgroup);
  rmSync(acts, { recursive: true, force: true });
}

async function alertLatencies(on: Stack, count: number): Promise<number[]> {
  const client = await plainConnect({ servers: busUrl(on.config) });
  const found: number[] = [];
  const binary = join(acts, `act${Math.random().toString(36).slice(2)}`);
  copyFileSync("/bin/true", binary);
  client.subscribe("reeve.alerts.high.exec-from-tmp", {
    callback: (_error, message) => {
      const now = Date.now();
      const alert = message.json<Alert>();
      // The rule's deduplication tells the first of a binary at once, so each act has a name of its own.
      if (JSON.stringify(alert.event).includes(binary)) found.push(now - Date.parse(alert.event.time));
    },
  });
  await client.flush();
  for (let i = 0; i < count; i++) {
    const act = `${binary}-${i}`;
    copyFileSync("/bin/true", act);
    await new Promise((done) => spawn(act).on("close", done));
    await sleep(60 + Math.random() * 40);
  }
  await sleep(1000);
  await client.close();
  if (found.length < count) console.log(`(${count - found.length} of ${count} alerts did not come)`);
  return found;
}

async function decisionLatencies(on: Stack, count: number): Promise<number[]> {
  const decider = new DeciderBus(await connect("decider", on.config, { name: "bench" }));
  const found: number[] = [];
  try {
    for (let i = 0; i < count; i++) found.push(await decisionLatency(decider, on, i));
  } finally {
    await decider.close();
  }
  return found;
}

async function decisionLatency(decider: DeciderBus, on: Stack, i: number): Promise<number> {
  const port = 20_000 + i;
  // A socket belongs to the cgroup that its process was in when it was made, so the program begins there.
  const child = spawn("sh", ["-c", 'echo $$ > "$0/cgroup.procs"; exec "$1" "$2"', cgroup, prober, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((done) => child.on("close", done));
  while (!said.includes("ready")) await sleep(5);
  await sleep(20 + Math.random() * 30);
  const published = Date.now();
  await decider.publishDecision(
    "bench",
    {
      action: "deny",
      hook: "network_connect",
      mode: "enforce",
      match: [{ field: "socket.dport", op: "in", values: [port] }],
      scope: { nodes: [on.config.node], cgroup: `/reeve-bench-${process.pid}` },
      ttl: "30s",
      reason: "benchmark",
    },
    `bench-${process.pid}-${i}`,
  );
  await ended;
  const answer = said.slice(said.indexOf("{"));
  if (!answer.startsWith("{")) {
    throw new Error(`decision ${i} was not in force within 10 s; ${await whatStatusSays(on)}`);
  }
  return (JSON.parse(answer) as { denied_ns: number }).denied_ns / 1e6 - published;
}

/** What controller and agent say of decisions that they did not take. */
async function whatStatusSays(on: Stack): Promise<string> {
  const operator = new OperatorBus(await connect("operator", on.config));
  try {
    const found: string[] = [];
    for (const { key, value } of await operator.readStatus()) {
      const refused = (value as { refused?: unknown[]; refusals?: unknown[] } | null) ?? {};
      found.push(`${key}: ${JSON.stringify((refused.refused ?? refused.refusals ?? []).slice(0, 3))}`);
    }
    return found.join("; ");
  } finally {
    await operator.bus.close();
  }
}

interface Latencies {
  aa: number[];
  alerts: number[];
  decisions: number[];
  /** The first decision after the start, by itself: code that runs for the first time is slow. */
  first: number;
}

function report(on: Stack, { aa, alerts, decisions, first }: Latencies): void {
  const row = (name: string, values: number[]): void =>
    console.log(
      `  ${name.padEnd(34)}${[0.5, 0.9, 0.99].map((p) => percentile(values, p).toFixed(1).padStart(9)).join("")}${String(values.length).padStart(7)}`,
    );
  console.log("latency, ms                                p50      p90      p99      n");
  row("act -> alert", alerts);
  row("act -> alert, the half before (A/A)", aa);
  row("decision published -> in the kernel", decisions);
  row("the first decision after the start", [first]);
  const memory = (part: "agent" | "engine"): number => anonymousMb(on.pids.get(part) as number);
  const ring = on.config.agent.ring_mb;
  console.log(
    `anonymous memory after it, MB: agent ${memory("agent").toFixed(1)} (ring of ${ring} MB apart), engine ${memory("engine").toFixed(1)}`,
  );
  console.log(
    JSON.stringify({
      event_alert_p50_ms: figure(percentile(alerts, 0.5)),
      event_alert_p99_ms: figure(percentile(alerts, 0.99)),
      aa_event_alert_p50_ms: figure(percentile(aa, 0.5)),
      aa_event_alert_p99_ms: figure(percentile(aa, 0.99)),
      decision_kernel_first_ms: figure(first),
      decision_kernel_p99_ms: figure(percentile(decisions, 0.99)),
      agent_anon_mb: figure(memory("agent")),
      engine_anon_mb: figure(memory("engine")),
    }),
  );
}
