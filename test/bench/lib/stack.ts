import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cgroup2Root } from "../../../agent/process/cgroups.ts";
import { loadConfig } from "../../../bus/config/load.ts";
import { configToYaml } from "../../../bus/config/describe.ts";
import type { Config } from "../../../bus/config/settings.ts";
import { startServer } from "../../../bus/server/start.ts";
import type { RunningServer } from "../../../bus/server/start.ts";
import { AGENT_HEAP } from "../../../cli/up/parts.ts";
import { provisionBus } from "../../../cli/up/provision-bus.ts";

const REPO = resolve(fileURLToPath(import.meta.url), "../../../..");

export type Part = "agent" | "engine" | "controller";

/** A bus and the parts that a benchmark asks for, as processes of their own with an instance of their own. */
export interface Stack {
  config: Config;
  /** By name; the bus is `bus`. */
  pids: ReadonlyMap<Part | "bus", number>;
  stop(): Promise<void>;
}

/** Starts the bus and these parts, and waits until each says that it is ready. @throws when one ends before that */
export async function startStack(parts: readonly Part[], settings: Record<string, unknown> = {}): Promise<Stack> {
  const dir = mkdtempSync(join(tmpdir(), "reeve-bench-"));
  const instance = `bench${process.pid}`;
  const flags = { instance, run_dir: join(dir, "run"), data_dir: join(dir, "data"), "bus.port": 0, ...settings };
  const config = loadConfig(flags, {});
  const children: ChildProcess[] = [];
  let server: RunningServer | undefined;
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) {
      const ended = new Promise((done) => child.once("close", done));
      if (child.exitCode === null && child.kill("SIGTERM")) await ended;
    }
    await server?.stop();
    removeCgroup(config.agent.own_cgroup);
    rmSync(dir, { recursive: true, force: true });
    rmSync(`/run/reeve-${instance}`, { recursive: true, force: true });
  };
  try {
    // The bus's own user has to reach its data below the temporary directory.
    spawnSync("chmod", ["755", dir]);
    server = await startServer({ config });
    const configFile = join(dir, "reeve.yaml");
    writeFileSync(configFile, configToYaml(config));
    await provisionBus(config, true, () => undefined);
    const pids = new Map<Part | "bus", number>([["bus", server.pid]]);
    for (const part of parts) {
      const child = await startPart(part, configFile);
      children.push(child);
      pids.set(part, child.pid as number);
    }
    return { config, pids, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startPart(part: Part, configFile: string): Promise<ChildProcess> {
  const env: NodeJS.ProcessEnv = { ...process.env, REEVE_READY_FD: "3" };
  const heap = part === "agent" ? [AGENT_HEAP] : [];
  const program = [...heap, join(REPO, "cli/main.ts"), "run", part, "--config", configFile];
  const child = spawn(join(REPO, "node_modules/.bin/node"), program, {
    env,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  return new Promise((ready, fail) => {
    child.stdio[3]?.once("data", () => ready(child));
    child.once("close", (code) => fail(new Error(`${part} ended with ${code} before it was ready:\n${said}`)));
  });
}

/** The agent's own cgroup, which stays when the agent goes: `reeve up` removes it, here nobody else does. */
function removeCgroup(path: string): void {
  try {
    rmdirSync(join(cgroup2Root() ?? "", path));
  } catch {
    // It was never made.
  }
}
