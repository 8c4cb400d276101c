import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../bus/config/load.ts";
import { findServer } from "../../bus/server/prepare.ts";
import { startServer } from "../../bus/server/start.ts";
import type { Alert } from "../../bus/types/alert.ts";
import { greeted } from "../../cli/up/bus-probe.ts";
import { run, startReeve, until } from "./reeve.ts";

// `reeve up --nats URL`: a nats-server that somebody else started.

let dir: string;
let server: ChildProcess | undefined;
let port: number;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "reeve-nats-"));
  chmodSync(dir, 0o755);
  port = await freePort();
});
afterEach(async () => {
  if (server?.kill() === true) await new Promise((gone) => server?.once("exit", gone));
  server = undefined;
  rmSync(dir, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => probe.once("listening", ready));
  const found = (probe.address() as AddressInfo).port;
  await new Promise((closed) => probe.close(closed));
  return found;
}

async function startNats(...args: string[]): Promise<string> {
  server = spawn(findServer(), ["-a", "127.0.0.1", "-p", String(port), ...args], { stdio: "ignore" });
  await greeted(`nats://127.0.0.1:${port}`, AbortSignal.timeout(10_000));
  return `nats://127.0.0.1:${port}`;
}

/** That `reeve up` with these flags ends by itself: its exit code and what it said. Nothing of it is left. */
async function refusal(...flags: string[]): Promise<{ code: number; stderr: string }> {
  const instance = `natsno${process.pid}`;
  const env = { REEVE_DATA_DIR: join(dir, "data"), REEVE_RUN_DIR: join(dir, "run") };
  const { code, stderr } = await run(["up", "--instance", instance, ...flags], env);
  expect(existsSync(join(dir, "run/up.pid"))).toBe(false);
  return { code, stderr };
}

/** That what is run from a world-writable directory is an alert for a client without credentials. */
async function expectAlert(reeve: Awaited<ReturnType<typeof startReeve>>): Promise<void> {
  const alerts: Alert[] = [];
  const client = await reeve.plainClient();
  client.subscribe("reeve.alerts.>", { callback: (_error, message) => alerts.push(message.json()) });
  await client.flush();
  const binary = join(dir, "x");
  copyFileSync("/bin/true", binary);
  await new Promise((ended) => spawn(binary).on("close", ended));
  await until(() => alerts.some(({ message }) => message.startsWith(`${binary} was run`)), 10_000, "the alert");
}

describe("a bus that asks nobody who they are", () => {
  test("gets its streams from reeve up, and all goes over it", async () => {
    const url = await startNats("-js", "-sd", join(dir, "js"));
    const reeve = await startReeve("natsopen", ["--nats", url]);
    try {
      expect(existsSync(join(reeve.runDir, "nats.conf"))).toBe(false);
      await expectAlert(reeve);
      const status = await reeve.cli("status", "--nats", url);
      expect(status.stdout).toMatch(/REEVE_EVENTS: [1-9]\d* messages/);
      expect(status.stdout).toMatch(/node loop-node {2}running/);
      // What it says to type next is what works.
      const [, next] = /more +\S+ (status .*?);/.exec(reeve.output())!;
      expect((await run(next!.split(" "))).stdout).toContain("node loop-node");
      expect((await reeve.cli("disarm", "--nats", url)).stdout).toContain("disarmed: all nodes");
    } finally {
      await reeve.stop();
    }
    // Started again it finds what is there.
    const again = await startReeve("natsopen", ["--nats", url]);
    await again.stop();
  }, 120_000);
});

describe("a bus that asks for credentials", () => {
  test("is used with those in --bus-credentials-dir", async () => {
    const flags = { node: "loop-node", run_dir: join(dir, "bus"), data_dir: join(dir, "store"), "bus.port": port };
    const bus = await startServer({ config: loadConfig(flags, {}) });
    try {
      const credentials = join(dir, "bus/credentials");
      const reeve = await startReeve("natskeys", ["--nats", bus.url, "--bus-credentials-dir", credentials]);
      try {
        await expectAlert(reeve);
        const [, where, next] = /more +(?:REEVE_BUS_CREDENTIALS_DIR=(\S+) )\S+ (status .*?);/.exec(reeve.output())!;
        const status = await run(next!.split(" "), { REEVE_BUS_CREDENTIALS_DIR: where! });
        expect(status.stdout).toContain("node loop-node");
      } finally {
        await reeve.stop();
      }
      // Without them the server takes whoever comes for a reader of alerts, and no more.
      const { code, stderr } = await refusal("--nats", bus.url);
      expect([code, stderr]).toEqual([3, expect.stringContaining(`the bus at ${bus.url} asks for credentials`)]);
      rmSync(join(credentials, "engine.json"));
      rmSync(join(credentials, "provisioner.json"));
      const some = await refusal("--nats", bus.url, "--node", "loop-node", "--bus-credentials-dir", credentials);
      expect([some.code, some.stderr]).toEqual([3, expect.stringContaining(`${credentials} has no engine.json\n`)]);
    } finally {
      await bus.stop();
    }
  }, 120_000);

  test("is named, and what is missing, where there are none", async () => {
    const conf = join(dir, "nats.conf");
    writeFileSync(conf, `jetstream: {store_dir: "${dir}/js"}\nauthorization: {user: a, password: b}\n`);
    const url = await startNats("-c", conf);
    const { code, stderr } = await refusal("--nats", url);
    expect(code).toBe(3);
    expect(stderr).toContain(
      `reeve: the bus at ${url} asks for credentials, and ${dir}/run/credentials has no agent.json`,
    );
    expect(stderr).toContain("--bus-credentials-dir");
    const status = await run(["status", "--nats", url], { REEVE_RUN_DIR: join(dir, "run") });
    expect(status.code).toBe(3);
    expect(status.stderr).toContain(
      `the bus at ${url} asks for credentials, and ${dir}/run/credentials has no operator.json`,
    );
  });
});

describe("a bus that is no use", () => {
  test("because it has no JetStream", async () => {
    const url = await startNats();
    const { code, stderr } = await refusal("--nats", url);
    expect([code, stderr]).toEqual([3, expect.stringContaining(`the nats-server at ${url} has no JetStream`)]);
  });

  test("because nobody listens there", async () => {
    const { code, stderr } = await refusal("--nats", `nats://127.0.0.1:${port}`);
    expect([code, stderr]).toEqual([3, expect.stringContaining(`nats://127.0.0.1:${port}: `)]);
    expect(stderr).toContain("reeve up starts one of its own");
  });
});
