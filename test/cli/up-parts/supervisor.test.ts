import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { ChildSpec } from "../../../cli/up/child.ts";
import { Supervisor } from "../../../cli/up/supervisor.ts";

const READY = 'echo \'{"ready":true,"n":1}\' >&3; ';
const dir = mkdtempSync(join(tmpdir(), "reeve-supervisor-"));
const running: Supervisor[] = [];
const said: string[] = [];

afterEach(async () => {
  for (const supervisor of running.splice(0)) await supervisor.stop();
  said.length = 0;
  rmSync(dir, { recursive: true, force: true });
});

function make(more: { readyMs?: number } = {}): Supervisor {
  const backoff = { first: 20, most: 80, healthy: 60_000 };
  const supervisor = new Supervisor({ logDir: dir, say: (line) => said.push(line), backoff, ...more });
  running.push(supervisor);
  return supervisor;
}

function shell(name: string, script: string, more: Partial<ChildSpec> = {}): ChildSpec {
  const env = { PATH: process.env["PATH"]! };
  return { name, command: ["sh", "-c", script], env, cwd: "/", reports: true, stopMs: 2000, ...more };
}

async function until(test: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !test(); i++) await sleep(25);
  expect(test()).toBe(true);
}

function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("the supervisor", () => {
  it("starts a process and hands over what it reports", async () => {
    const supervisor = make();
    expect(await supervisor.start(shell("a", `${READY} exec sleep 60`))).toEqual({ ready: true, n: 1 });
    expect(supervisor.states()).toMatchObject([{ name: "a", restarts: 0, ready: true }]);
  });

  it("restarts one that dies, with backoff, and says its last lines each time", async () => {
    const supervisor = make();
    await supervisor.start(shell("a", `${READY} echo last words; sleep 0.05; exit 3`));
    await until(() => supervisor.states()[0]!.restarts >= 3);
    const restarts = said.filter((line) => line.includes("starting it again"));
    expect(restarts[0]).toMatch(
      /^a ended \(exit code 3\) after \d+ ms; starting it again in 20 ms\. Its last lines:\n {4}last words$/,
    );
    expect(restarts[1]).toContain("in 40 ms");
    expect(restarts[2]).toContain("in 80 ms");
    expect(said.some((line) => line === "a runs again (restart 1)")).toBe(true);
  });

  it("tells at once when one cannot start", async () => {
    const supervisor = make();
    await expect(supervisor.start(shell("a", "echo no licence; exit 4"))).rejects.toMatchObject({
      code: "child",
      message: "a could not start: exit code 4. Its last lines:\n    no licence",
      help: `its whole log: ${join(dir, "a.log")}`,
    });
    await expect(supervisor.start(shell("b", "", { command: ["/nonexistent"] }))).rejects.toMatchObject({
      message: expect.stringContaining("ENOENT") as string,
    });
    expect(supervisor.states()).toEqual([]);
  });

  it("gives up on one that never becomes ready", async () => {
    const supervisor = make({ readyMs: 100 });
    await expect(supervisor.start(shell("a", "exec sleep 60"))).rejects.toThrow("a was not ready after 100 ms");
  });

  it("shows warnings of the log, keeps all of it in a file", async () => {
    const supervisor = make();
    const lines = [
      { level: "info", msg: "fine" },
      { level: "warn", msg: "buffer \u001b[2J nearly full" },
      { level: "warn", msg: "buffer \u001b[2J nearly full" },
    ];
    const print = lines.map((line) => `echo '${JSON.stringify(line)}';`).join(" ");
    await supervisor.start(
      shell("a", `${print} echo '[1] 2026/01/01 00:00:00 [ERR] no space'; ${READY} exec sleep 60`),
    );
    await until(() => said.length === 2);
    expect(said).toEqual([String.raw`a: buffer \x1b[2J nearly full`, "a: no space"]);
    expect(readFileSync(join(dir, "a.log"), "utf8").trim().split("\n")).toHaveLength(4);
  });

  it("stops in reverse order, and by force what does not listen", async () => {
    const supervisor = make();
    const order = join(dir, "order");
    const stoppable = (name: string): string =>
      `trap 'echo ${name} >> ${order}; exit 0' TERM; ${READY} while :; do sleep 0.02; done`;
    await supervisor.start(shell("first", stoppable("first")));
    await supervisor.start(shell("second", stoppable("second")));
    await supervisor.start(shell("deaf", `trap '' TERM; ${READY} while :; do sleep 0.05; done`, { stopMs: 150 }));
    const pids = supervisor.states().map((state) => state.pid!);
    await supervisor.stop();
    expect(readFileSync(order, "utf8")).toBe("second\nfirst\n");
    expect(said).toEqual(["deaf did not stop in time and was killed"]);
    expect(pids.filter(alive)).toEqual([]);
  });

  it("leaves nothing running when it is killed itself", async () => {
    const supervisor = spawn(process.execPath, [join(import.meta.dirname, "supervise.ts"), dir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pids = await new Promise<number[]>((resolve) => {
      supervisor.stdout.once("data", (data: Buffer) => resolve(JSON.parse(data.toString()) as number[]));
    });
    expect(pids).toHaveLength(process.getuid?.() === 0 ? 2 : 1);
    expect(pids.every(alive)).toBe(true);
    supervisor.kill("SIGKILL");
    await until(() => !pids.some(alive));
  });
});
