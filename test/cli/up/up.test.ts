import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StatusView } from "../../../cli/status/view.ts";
import { findCgroup2 } from "../../../cli/up/own-cgroup.ts";

const repo = join(import.meta.dirname, "../../..");
const instance = `test-up-${process.pid}`;
const dir = mkdtempSync(join(tmpdir(), "reeve-up-"));
const cgroup = join(findCgroup2(readFileSync("/proc/self/mounts", "utf8")) ?? "/sys/fs/cgroup", `reeve-${instance}`);
let up: ChildProcess;
let output = "";

async function until<T>(what: string, get: () => T | undefined | false, limit = 30_000): Promise<T> {
  for (const end = performance.now() + limit; performance.now() < end; await sleep(25)) {
    const value = get();
    if (value !== undefined && value !== false) return value;
  }
  throw new Error(`${what} did not come within ${limit} ms; reeve up said:\n${output}`);
}

function reeve(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const all = [join(repo, "cli/main.ts"), ...args, "--instance", instance];
  return spawnSync(process.execPath, all, { encoding: "utf8", cwd: dir });
}

function startUp(): ChildProcess {
  output = "";
  const args = [join(repo, "cli/main.ts"), "up", "--instance", instance, "--node", "test-node", "--bus-port", "0"];
  const child = spawn(process.execPath, args, { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  return child;
}

async function ended(child: ChildProcess): Promise<number | null> {
  return until("the end", () =>
    child.exitCode === null && child.signalCode === null ? undefined : { code: child.exitCode },
  ).then(({ code }) => code);
}

/** Pids of everything that the instance started: named by its run directory, or in its cgroup. */
function pids(): number[] {
  const inCgroup = existsSync(cgroup) ? readFileSync(join(cgroup, "cgroup.procs"), "utf8").split("\n") : [];
  return inCgroup.filter(Boolean).map(Number);
}

function statusOf(pid: number, field: string): string {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
}

describe.runIf(process.getuid?.() === 0)("reeve up", () => {
  beforeAll(async () => {
    up = startUp();
    await until("its opening lines", () => /^ +more /m.test(output));
  });

  afterAll(async () => {
    if (up.exitCode === null && up.signalCode === null) {
      up.kill("SIGTERM");
      await ended(up);
    }
    for (const path of [dir, `/run/reeve-${instance}`, `/var/lib/reeve-${instance}`]) {
      rmSync(path, { recursive: true, force: true });
    }
  });

  it("opens with where the bus is, what is attached and what is loaded", () => {
    expect(output).toMatch(/bus +nats:\/\/127\.0\.0\.1:\d+/);
    expect(output).toMatch(/process_exec at tp_btf/);
    expect(output).toMatch(/rules +\d+: .*exec-from-tmp/);
    expect(output).toMatch(/mode +monitor/);
  });

  it("raises an alert that any client sees without credentials, and prints it", async () => {
    const { url } = JSON.parse(readFileSync(`/run/reeve-${instance}/bus.json`, "utf8")) as { url: string };
    const client = await connect({ servers: url });
    const seen: { subject: string; message: string }[] = [];
    const subscription = client.subscribe("reeve.alerts.>", {
      callback: (_error, message) => seen.push({ subject: message.subject, ...message.json<{ message: string }>() }),
    });
    await client.flush();
    const binary = join(dir, "x");
    copyFileSync("/bin/true", binary);
    await new Promise((resolve) => spawn(binary).once("exit", resolve));
    const mine = await until("the alert", () => seen.find((alert) => alert.message.includes(binary)));
    expect(mine.subject).toBe("reeve.alerts.high.exec-from-tmp");
    await until("its line", () => output.includes(`${binary} was run`));
    expect(seen.filter((alert) => alert.message.includes(binary))).toHaveLength(1);
    subscription.unsubscribe();
    await client.close();
  });

  it("runs all but the agent and itself without any right, all in its own cgroup", () => {
    const byName = new Map(
      pids().map((pid) => [pid, readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")]),
    );
    const pidOf = (text: string): number => [...byName].find(([, line]) => line.includes(text))?.[0] ?? 0;
    for (const name of ["run engine", "run controller", "nats-server"]) {
      const pid = pidOf(name);
      expect(pid).toBeGreaterThan(0);
      expect(statusOf(pid, "Uid")).toBe("64999\t64999\t64999\t64999");
      for (const set of ["CapPrm", "CapEff", "CapBnd"]) expect(statusOf(pid, set)).toBe("0".repeat(16));
      expect(statusOf(pid, "NoNewPrivs")).toBe("1");
    }
    expect(statusOf(pidOf("run agent"), "Uid")).toMatch(/^0\t/);
    expect(pidOf("main.ts up")).toBe(up.pid);
  });

  it("shows each part only its own credentials", () => {
    const pid = pids().find((it) => readFileSync(`/proc/${it}/cmdline`, "utf8").includes("run\0engine"))!;
    expect(readdirSync(`/proc/${pid}/root/run/reeve-${instance}/credentials`)).toEqual(["engine.json"]);
  });

  it("streams events until Ctrl-C, and ends quietly when its reader leaves", async () => {
    const args = [join(repo, "cli/main.ts"), "events", "--instance", instance, "--kind", "process_exec", "-o", "json"];
    const events = spawn(process.execPath, [...args, "--binary", "x"], { stdio: ["ignore", "pipe", "inherit"] });
    let lines = "";
    events.stdout.on("data", (data: Buffer) => (lines += data.toString()));
    await until("an event", () => {
      spawn(join(dir, "x"));
      return lines.includes("\n");
    });
    const event = JSON.parse(lines.split("\n")[0]!) as { id: string; process: { binary: string } };
    expect(event.process.binary).toBe(join(dir, "x"));
    events.kill("SIGINT");
    expect(await ended(events)).toBe(0);
    const line = `"${process.execPath}" ${args.join(" ")} --no-follow`;
    const piped = spawnSync("bash", ["-o", "pipefail", "-c", `${line} | head -n 1`], { encoding: "utf8" });
    expect([piped.status, piped.stderr]).toEqual([0, ""]);
    expect(piped.stdout.trimEnd().split("\n")).toHaveLength(1);
    const compact = (...flags: string[]): string =>
      reeve("events", "--binary", "x", "--kind", "process_exec", "--no-follow", "-n", "1", ...flags).stdout;
    expect(compact()).toMatch(/^🚀 process test-node /);
    expect(compact("--timestamps")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 🚀 process test-node /);
    const alerts = (...flags: string[]): string => reeve("alerts", "--no-follow", "-n", "1", ...flags).stdout;
    expect(alerts()).toMatch(/^\d\d:\d\d:\d\d\.\d{3} HIGH /);
    expect(alerts("--timestamps")).toMatch(/^\d{4}-\d\d-\d\dT\S+Z HIGH /);
    const why = reeve("why", event.id);
    expect(why.status).toBe(0);
    expect(why.stdout).toContain(join(dir, "x"));
  });

  it("adds, explains and deletes a selector, and shows all of it in the status", () => {
    const file = join(dir, "selector.yaml");
    writeFileSync(
      file,
      "{id: drill, hook: process_exec, action: deny, match: [{field: process.binary, op: in, values: [/nowhere]}]}",
    );
    expect(reeve("selectors", "add", file, "--ttl", "10m", "--reason", "a drill").stdout).toBe(
      "added drill on all nodes\n",
    );
    expect(reeve("selectors", "list").stdout).toMatch(
      /drill +all +person +(10 min|9 min \d+ s) +[-\d ]*deny process_exec \(enforce\)/,
    );
    expect(reeve("why", "drill").stdout).toContain("reason: a drill");
    const status = JSON.parse(reeve("status", "-o", "json").stdout) as StatusView;
    expect(status.nodes.map((node) => node.node)).toEqual(["test-node"]);
    expect(status.engines[0]?.rules.map((rule) => rule.id)).toContain("exec-from-tmp");
    expect(status.controller?.desired.entries).toBe(1);
    expect(reeve("selectors", "delete", "drill").stdout).toBe("deleted all.drill\n");
    expect(reeve("selectors", "delete", "drill")).toMatchObject({ status: 5 });
  });

  it("disarms by the bus, and by a signal", async () => {
    const state = (): string | undefined =>
      (JSON.parse(reeve("status", "-o", "json").stdout) as StatusView).nodes[0]?.state;
    expect(reeve("disarm").stdout).toContain("disarmed: all nodes");
    await until("disarmed", () => state() === "disarmed");
    expect(reeve("arm").stdout).toContain("armed again: all nodes");
    await until("armed", () => state() === "running");
    expect(reeve("disarm", "--local").stdout).toContain("by a signal to the agent");
    await until("disarmed by the signal", () => state() === "disarmed");
    expect(reeve("arm").stdout).toBe("armed again: test-node\n");
    await until("armed after the signal", () => state() === "running");
    expect(reeve("arm").stdout).toBe("nothing was disarmed\n");
  });

  it("refuses to run twice", () => {
    const again = reeve("up");
    expect(again.status).toBe(1);
    expect(again.stderr).toContain(`runs already for /run/reeve-${instance} (pid ${up.pid})`);
  });

  it("restarts an engine that was killed, and says so", async () => {
    const pid = pids().find((it) => readFileSync(`/proc/${it}/cmdline`, "utf8").includes("run\0engine"))!;
    process.kill(pid, "SIGKILL");
    await until("the restart", () => output.includes("engine runs again (restart 1)"));
    expect(output).toMatch(/engine ended \(signal SIGKILL\) after .*; starting it again in 250 ms/);
  });

  it("leaves nothing running when it is killed itself, and comes up again after it", async () => {
    const before = pids();
    expect(before.length).toBeGreaterThanOrEqual(5);
    up.kill("SIGKILL");
    await until("the end of all", () => pids().length === 0);
    up = startUp();
    await until("reeve is running", () => output.includes("reeve is running"));
  });

  it("ends with 0 at Ctrl-C and leaves no process, cgroup or program", async () => {
    up.kill("SIGINT");
    expect(await ended(up)).toBe(0);
    expect(existsSync(cgroup)).toBe(false);
    expect(existsSync(`/run/reeve-${instance}/up.pid`)).toBe(false);
  });
});
