import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { programsOf, stillLoaded, until, World } from "./harness.ts";

let world: World;
let dir: string;
beforeAll(async () => {
  world = await World.start({ "agent.redact": ["--password=(\\S+)"] });
  dir = mkdtempSync(join(tmpdir(), "reeve-agent-test-"));
});
afterEach(() => world.killAgents());
afterAll(async () => {
  await world.stop();
  rmSync(dir, { recursive: true });
});

let run = 0;
/** A directory name that no other run of a program has in its arguments. */
const marker = () => `marker-${process.pid}-${++run}`;
const execsOf = async (mark: string) =>
  (await world.events("process_exec")).filter((event) => event.process.arguments.includes(mark));

test("every exec and exit is on the bus once, numbered without gaps, with parent and arguments", async () => {
  const agent = await world.agent();
  const mark = marker();
  for (let i = 0; i < 300; i++) spawnSync("/bin/true", [mark, String(i), "--password=hunter2"]);
  await until(async () => (await execsOf(mark)).length >= 300);
  await until(
    async () => (await world.events("process_exit")).filter((it) => it.process.arguments.includes(mark)).length >= 300,
  );
  const execs = await execsOf(mark);
  expect(execs.map((event) => event.process.arguments)).toEqual(
    Array.from({ length: 300 }, (_, i) => `${mark} ${i} --password=*****`),
  );
  expect(execs[0]).toMatchObject({
    kind: "process_exec",
    node: "web-1",
    rung: "tp_btf",
    process: { binary: expect.stringMatching(/\/true$/) as unknown, uid: 0, flags: "execve" },
    parent: { pid: process.pid },
  });
  const exits = (await world.events("process_exit")).filter((it) => it.process.arguments.includes(mark));
  expect(new Set(exits.map((it) => it.process.exec_id))).toEqual(new Set(execs.map((it) => it.process.exec_id)));
  expect(exits.every((it) => it.status === 0 && it.signal === null && it.duration_ns > 0)).toBe(true);
  for (const kind of ["process_exec", "process_exit"] as const) {
    const numbers = (await world.events(kind)).map((event) => Number(event.id.split("/").at(-1)));
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i + 1));
  }
  const programs = programsOf(agent.pid);
  expect(programs.length).toBeGreaterThan(4);
  expect(await agent.stop()).toBe(0);
  await until(() => stillLoaded(programs).length === 0);
});

test("after kill -9 nothing stays attached; the next run seeds anew and says the gap", async () => {
  const first = await world.agent();
  await until(async () => (await world.status())?.state === "running");
  const epoch = (await world.status())!.epoch;
  const programs = programsOf(first.pid);
  expect(stillLoaded(programs)).toEqual(programs.sort((a, b) => a - b));
  await first.kill();
  // programs are freed after a grace period of the kernel
  await until(() => stillLoaded(programs).length === 0);
  const mark = marker();
  spawnSync("/bin/true", [mark]);
  const second = await world.agent();
  await until(async () => (await world.events("gap")).some((gap) => gap.id.includes(`/${epoch + 1}/gap/`)));
  const gap = (await world.events("gap")).find((it) => it.id.includes(`/${epoch + 1}/gap/`))!;
  expect(gap).toMatchObject({ reason: "agent_restart", count: null });
  expect(gap.kinds).toContain("process_exec");
  expect(Date.parse(gap.from)).toBeLessThan(Date.parse(gap.to));
  expect(await execsOf(mark)).toEqual([]);
  const after = marker();
  spawnSync("/bin/true", [after]);
  await until(async () => (await execsOf(after)).length === 1);
  // this process ran before the agent did: the seed told of it
  const [event] = await execsOf(after);
  expect(event!.parent!.binary).toBe(process.execPath);
  expect(event!.ancestors.length).toBeGreaterThan(0);
  await second.stop();
});

test("a bus that goes away loses nothing and doubles nothing", async () => {
  const agent = await world.agent();
  const mark = marker();
  const spawnSome = (from: number) => {
    for (let i = from; i < from + 100; i++) spawnSync("/bin/true", [mark, String(i)]);
  };
  spawnSome(0);
  const restarted = world.bus.restart("kill", 500);
  await delay(100);
  spawnSome(100);
  await restarted;
  spawnSome(200);
  await until(async () => (await execsOf(mark)).length >= 300, 20_000);
  const order = (await execsOf(mark)).map((event) => Number(event.process.arguments.split(" ")[1]));
  expect(order.sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  await agent.stop();
});

test("a second agent of the same instance says who runs", async () => {
  const agent = await world.agent();
  const second = await world.agent();
  expect(JSON.stringify(second.log)).toContain(`another agent (pid ${agent.pid}) runs here`);
  expect(readFileSync(join(world.config.run_dir, "agent.pid"), "utf8")).toBe(`${agent.pid}\n`);
  await agent.stop();
});

test("the agent is in its own cgroup", async () => {
  const agent = await world.agent();
  expect(readFileSync(`/proc/${agent.pid}/cgroup`, "utf8")).toContain(`0::${world.config.agent.own_cgroup}\n`);
  await agent.stop();
});

test("SIGUSR2 disarms, and the status says so", async () => {
  const agent = await world.agent();
  await until(async () => (await world.status())?.state === "running");
  agent.signal("SIGUSR2");
  await until(async () => (await world.status())?.state === "disarmed");
  await agent.stop();
  const again = await world.agent();
  await until(async () => (await world.status())?.state === "running");
  await again.stop();
});

test("a ring that overflows loses records, which is counted and said by kind", async () => {
  const agent = await world.agent({ agent: { ...world.config.agent, ring_mb: 1 } });
  agent.signal("SIGSTOP");
  execFileSync("bash", ["-c", "for i in $(seq 2500); do /bin/true; done"]);
  agent.signal("SIGCONT");
  await until(async () => (await world.events("gap")).some((gap) => gap.reason === "ring_overflow"), 20_000);
  const gaps = (await world.events("gap")).filter((gap) => gap.reason === "ring_overflow");
  expect(new Set(gaps.flatMap((gap) => gap.kinds))).toEqual(new Set(["process_exec", "process_exit"]));
  expect(gaps.every((gap) => gap.count! > 0)).toBe(true);
  await until(async () => ((await world.status())?.losses["ring_overflow.process_exec"] ?? 0) > 0);
  await agent.stop();
});
