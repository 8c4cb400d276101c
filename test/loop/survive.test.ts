import { spawn } from "node:child_process";
import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Event, EventKind } from "../../bus/generated/events.ts";
import type { Alert } from "../../bus/types/alert.ts";
import type { NodeStatus } from "../../bus/types/status.ts";
import { programsOf, stillLoaded } from "../agent/kernel/agent/harness.ts";
import { buildProgram } from "../programs/build.ts";
import { cutOff } from "./cut-off.ts";
import { startReeve, until } from "./reeve.ts";
import type { RunningReeve } from "./reeve.ts";
import { Victim } from "./victim.ts";

// What is cut off has a name that only this run knows: another Reeve on this host may have victims, too.
const SHORT = `/cut-${process.pid}-short`;
const LONG = `/cut-${process.pid}-long`;

let reeve: RunningReeve;
let listener: Server;
let port: number;

beforeAll(async () => {
  listener = createServer((socket) => socket.on("error", () => {}).end());
  await new Promise<void>((ready) => listener.listen(0, "127.0.0.1", ready));
  port = (listener.address() as AddressInfo).port;
  reeve = await startReeve("survive", ["--agent-history", "process_exec,process_exit"], () => ({
    "short.rego": cutOff("short", SHORT, "12s"),
    "long.rego": cutOff("long", LONG, "20s"),
  }));
});

afterAll(async () => {
  await reeve?.stop();
  await new Promise((done) => listener.close(done));
});

async function events<K extends EventKind>(kind: K): Promise<Extract<Event, { kind: K }>[]> {
  const found: Event[] = [];
  for await (const event of (await reeve.operator()).readEvents({ kinds: [kind] })) found.push(event);
  return found as Extract<Event, { kind: K }>[];
}

async function node(): Promise<NodeStatus | undefined> {
  return (await reeve.status())?.nodes[0];
}

/** A victim whose second program is what a policy cuts off, and that is cut off. */
async function cutOffVictim(name: string): Promise<Victim> {
  const victim = new Victim();
  try {
    copyFileSync("/bin/bash", join(victim.dir, name));
    expect((await victim.run("/bin/true")).status).toBe(0);
    await victim.run(`exec ${join(victim.dir, name)} --norc`);
    await until(async () => (await victim.run("/bin/true")).status === 137, 10_000, "the exec to be denied");
    await until(async () => (await connectOf(victim)).includes("not permitted"), 5_000, "the connect to be denied");
    return victim;
  } catch (error) {
    victim.close();
    throw error;
  }
}

const connectOf = async (victim: Victim): Promise<string> =>
  (await victim.run(`(exec 3<>/dev/tcp/127.0.0.1/${port})`)).output;

/** Waits until the leases have ended: exec and connect were decided one after the other. */
const freeAgain = (victim: Victim, ms: number): Promise<void> =>
  until(
    async () => (await victim.run("/bin/true")).status === 0 && (await connectOf(victim)) === "",
    ms,
    "the leases to end",
  );

/** That the tree is cut off: a marker is not written, a connect is refused. */
async function expectCutOff(victim: Victim): Promise<void> {
  const marker = join(victim.dir, "marker");
  expect((await victim.run(`/usr/bin/touch ${marker}`)).status).toBe(137);
  expect(existsSync(marker)).toBe(false);
  expect(await connectOf(victim)).toContain("Operation not permitted");
}

async function expectFree(victim: Victim): Promise<void> {
  const marker = join(victim.dir, "marker");
  expect((await victim.run(`/usr/bin/touch ${marker}`)).status).toBe(0);
  expect(existsSync(marker)).toBe(true);
  expect(await connectOf(victim)).toBe("");
}

describe("a storm", () => {
  test("5,000 short-lived processes: every exec and exit in the stream exactly once, none lost", async () => {
    const binary = join(reeve.dir, "short-lived");
    copyFileSync("/bin/true", binary);
    const storm = spawn(buildProgram("storm"), ["5000", "4", binary], {
      stdio: ["ignore", "ignore", "inherit", ...Array.from({ length: 6 }, () => "ignore" as const), "pipe"],
    });
    let truth = "";
    // The programs print their truth on descriptor 9; the types know no more than five.
    const pipe = (storm.stdio as unknown as Readable[])[9];
    pipe?.on("data", (chunk: Buffer) => (truth += chunk.toString()));
    expect(await new Promise((done) => storm.on("close", done))).toBe(0);
    const ended = truth.trim().split("\n").toSorted();
    expect(ended).toHaveLength(5000);

    const exitsOf = async () => (await events("process_exit")).filter((event) => event.process.binary === binary);
    await until(async () => (await exitsOf()).length >= 5000, 30_000, "every exit");
    const execs = (await events("process_exec")).filter((event) => event.process.binary === binary);
    const exits = await exitsOf();
    expect(exits.map((event) => `${event.process.pid} ${event.status}`).toSorted()).toEqual(ended);
    expect(execs.map((event) => `${event.process.pid} 0`).toSorted()).toEqual(ended);
    const ids = new Set(execs.map((event) => event.process.exec_id));
    expect(ids.size).toBe(5000);
    expect(new Set(exits.map((event) => event.process.exec_id))).toEqual(ids);
    expect((await node())?.losses).toEqual({});
    expect(await events("gap")).toEqual([]);
  }, 90_000);
});

describe("what is in force", () => {
  test("goes on with engine and controller stopped, for its tree only, and ends with its lease", async () => {
    const bystander = new Victim();
    let victim: Victim | undefined;
    let stopped: number[] = [];
    try {
      victim = await cutOffVictim(SHORT);
      const pids = [reeve.pidOf("engine"), reeve.pidOf("controller")];
      for (const pid of pids) process.kill(pid, "SIGSTOP");
      stopped = pids;
      await expectCutOff(victim);
      await expectFree(bystander);
      await freeAgain(victim, 20_000);
      await expectFree(victim);
    } finally {
      for (const pid of stopped) process.kill(pid, "SIGCONT");
      victim?.close();
      bystander.close();
    }
  }, 60_000);

  test("survives a kill -9 of the agent: no program stays, the next run seeds, says the gap and keeps the deadline", async () => {
    const victim = await cutOffVictim(LONG);
    try {
      const until137 = async (): Promise<boolean> => (await victim.run("/bin/true")).status === 137;
      const selectors = async (): Promise<NodeStatus["selectors"]> => (await node())?.selectors ?? [];
      await until(async () => (await selectors()).length === 2, 5_000, "both selectors in the status");
      const deadlines = (await selectors()).map((it) => Date.parse(it.deadline ?? ""));
      const epoch = (await node())?.epoch ?? 0;
      const agent = reeve.pidOf("agent");
      const programs = programsOf(agent);
      expect(stillLoaded(programs).length).toBeGreaterThan(3);
      process.kill(agent, "SIGKILL");
      await until(() => stillLoaded(programs).length === 0, 5_000, "its programs to be gone");

      await until(
        async () => (await node())?.epoch === epoch + 1 && (await node())?.state === "running",
        20_000,
        "the agent to run again",
      );
      const gapOf = async () => (await events("gap")).find((gap) => gap.id.includes(`/${epoch + 1}/gap/`));
      await until(async () => (await gapOf()) !== undefined, 5_000, "the gap to be said");
      expect(await gapOf()).toMatchObject({ reason: "agent_restart", count: null });
      await until(until137, 5_000, "enforcement to be in force again");
      // its programs are loaded when it is asked for, and exec does not wait for them
      await until(
        async () => (await connectOf(victim)).includes("not permitted"),
        10_000,
        "the connect to be denied again",
      );
      await expectCutOff(victim);
      await until(async () => (await selectors()).length === 2, 5_000, "both selectors in the new status");
      const again = (await selectors()).map((it) => Date.parse(it.deadline ?? ""));
      for (const [i, deadline] of again.entries()) expect(Math.abs(deadline - deadlines[i]!)).toBeLessThan(100);
      // The tree is known by the seed: the parent of what it tries is the shell that ran before this agent did.
      const denial = (await events("denial")).findLast((it) => it.parent?.pid === victim.pid);
      expect(denial?.parent?.binary).toBe(join(victim.dir, LONG));

      await freeAgain(victim, 40_000);
      expect(Date.now()).toBeGreaterThan(Math.min(...deadlines) - 100);
      expect(Date.now()).toBeLessThan(Math.max(...deadlines) + 3_000);
    } finally {
      victim.close();
    }
  }, 90_000);
});

/** Alerts of exec-from-tmp about programs below a directory, by what was run; of those that were told or are kept since. */
const runsOf = (dir: string, alerts: Alert[]): string[] =>
  alerts
    .filter((alert) => alert.rule === "exec-from-tmp" && alert.summary !== true)
    .flatMap((alert) => ("process" in alert.event ? [alert.event.process?.binary ?? ""] : []))
    .filter((binary) => binary.startsWith(`${dir}/`));

async function keptAlerts(since: Date): Promise<Alert[]> {
  const alerts: Alert[] = [];
  for await (const alert of (await reeve.operator()).readAlerts({ since })) alerts.push(alert);
  return alerts;
}

/** Runs a program of its own for each number, one after the other: no deduplication makes two findings one. */
async function runEach(dir: string, from: number, to: number): Promise<string[]> {
  const truth: string[] = [];
  for (let i = from; i <= to; i++) {
    linkSync(join(dir, "0"), join(dir, String(i)));
    const child = spawn(join(dir, String(i)), { stdio: "ignore" });
    await new Promise((done) => child.on("close", done));
    truth.push(join(dir, String(i)));
  }
  return truth;
}

describe("the engine", () => {
  test("killed with events in its hands: they are evaluated seconds later, each finding is told once", async () => {
    const dir = join(reeve.dir, "engine");
    mkdirSync(dir);
    copyFileSync("/bin/true", join(dir, "0"));
    const heard: Alert[] = [];
    const plain = await reeve.plainClient();
    plain.subscribe("reeve.alerts.>", { callback: (_error, message) => heard.push(message.json()) });
    await plain.flush();
    const begun = new Date();
    const before = await runEach(dir, 1, 20);
    const engine = reeve.pidOf("engine");
    process.kill(engine, "SIGSTOP");
    const held = await runEach(dir, 21, 60);
    await sleep(500); // They are published, and given to the engine that stands still.
    process.kill(engine, "SIGKILL");
    const killed = Date.now();
    const after = await runEach(dir, 61, 80);
    const truth = [...before, ...held, ...after].toSorted();
    await until(() => new Set(runsOf(dir, heard)).size === truth.length, 15_000, "every finding to be told");
    expect(Date.now() - killed).toBeLessThan(12_000);
    await sleep(2_000); // Whatever were told twice would be by now.
    expect(runsOf(dir, heard).toSorted()).toEqual(truth);
    expect(runsOf(dir, await keptAlerts(begun)).toSorted()).toEqual(truth);
    rmSync(dir, { recursive: true });
  }, 60_000);
});

describe("the bus", () => {
  test("killed mid-stream: each finding is an alert once, or counted as lost", async () => {
    const dir = join(reeve.dir, "stream");
    mkdirSync(dir);
    copyFileSync("/bin/true", join(dir, "0"));
    const heard: Alert[] = [];
    const plain = await reeve.plainClient();
    plain.subscribe("reeve.alerts.>", { callback: (_error, message) => heard.push(message.json()) });
    await plain.flush();

    const begun = new Date();
    const truth: string[] = [];
    const bus = reeve.pidOf("bus");
    for (let i = 1; i <= 300; i++) {
      truth.push(...(await runEach(dir, i, i)));
      if (i === 100) process.kill(bus, "SIGKILL");
      await sleep(8);
    }
    expect(/nats-server ended \(signal SIGKILL\)/.test(reeve.output())).toBe(true);

    // Nothing while the bus is not back yet.
    const kept = async (): Promise<string[]> => runsOf(dir, await keptAlerts(begun).catch(() => []));
    const lost = async (): Promise<number> =>
      (await events("gap").catch(() => []))
        .filter((gap) => Date.parse(gap.to) >= begun.getTime() && gap.kinds.includes("process_exec"))
        .reduce((sum, gap) => sum + (gap.count ?? 0), 0);
    await until(
      async () => (await kept()).length + (await lost()) >= truth.length,
      40_000,
      "all to be told or counted",
    );
    await sleep(500); // Whatever were told twice would be by now.
    const found = await kept();
    expect(new Set(found).size).toBe(found.length);
    const missing = truth.filter((binary) => !found.includes(binary));
    expect(found.filter((binary) => !truth.includes(binary))).toEqual([]);
    expect(missing.length).toBeLessThanOrEqual(await lost());
    // A plain subscriber misses what is told while it is away, and is told nothing twice.
    expect(new Set(runsOf(dir, heard)).size).toBe(runsOf(dir, heard).length);
    expect(readdirSync(dir)).toHaveLength(301);
    rmSync(dir, { recursive: true });
  }, 90_000);
});
