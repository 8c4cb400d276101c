import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { configToYaml } from "../../../bus/config/describe.ts";
import type { Config } from "../../../bus/config/settings.ts";

const REPO = resolve(fileURLToPath(import.meta.url), "../../../..");

/** A rules engine as a process of its own, as `reeve run engine` starts it. */
export interface EngineProcess {
  pid: number;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** What it said on standard error so far. */
  said(): string;
}

/** Starts an engine and waits until it says that it is ready. @throws when it ends before that */
export async function startEngine(config: Config, name: string): Promise<EngineProcess> {
  const file = join(config.run_dir, `${name}.yaml`);
  writeFileSync(file, configToYaml({ ...config, engine: { ...config.engine, name } }));
  const child = spawn(process.execPath, [join(REPO, "cli/main.ts"), "run", "engine", "--config", file], {
    env: { ...process.env, REEVE_READY_FD: "3" },
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const closed = new Promise<void>((done) => child.once("close", () => done()));
  await isReady(child, closed, () => said);
  return {
    pid: child.pid!,
    said: () => said,
    async kill(signal) {
      if (child.exitCode === null) child.kill(signal);
      await closed;
    },
  };
}

async function isReady(child: ChildProcess, closed: Promise<void>, said: () => string): Promise<void> {
  const ready = new Promise<true>((done) => child.stdio[3]?.once("data", () => done(true)));
  const first = await Promise.race([ready, closed]);
  if (first !== true) throw new Error(`the engine ended before it was ready: ${said()}`);
}
