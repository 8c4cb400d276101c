import { spawn } from "node:child_process";
import { mkdirSync, openSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ENGINE_PID, endLeftover, HOST_STATE, takeState } from "./leftover.ts";
import { prepareHost, restoreHost } from "./network.ts";
import { dockerPackages, packagesEnv } from "./packages.ts";
import { run } from "./run.ts";

/** A Docker engine with its compose and buildx. */
export interface Engine {
  /** Environment of the `docker` command. */
  env: NodeJS.ProcessEnv;
  socket: string;
  /** Started here: it has no images and cannot be expected to reach a registry. */
  own: boolean;
  /** Of the daemon that was started here. */
  pid?: number | undefined;
  /** Where it keeps its state, that of its containerd too. */
  execRoot?: string;
  stop(): Promise<void>;
}

/** Where the engine and its images stay between two runs. */
export const CACHE = process.env["REEVE_TEST_CACHE"] ?? "/var/cache/reeve-test-compose";
const BRIDGE = "reevetest0";
const ADDRESS = "10.213.255.1/24";
const POOL = "base=10.213.0.0/17,size=24";
const START_LIMIT = 60_000;

/** The engine that answers, else one of our own. */
export async function findEngine(say: (line: string) => void): Promise<Engine> {
  const info = await run("docker", ["info", "--format", "{{.ServerVersion}}"]);
  const plugins = await Promise.all(["compose", "buildx"].map((it) => run("docker", [it, "version"])));
  if (info.status === 0 && /^\d/.test(info.stdout) && plugins.every(({ status }) => status === 0)) {
    say(`a Docker engine answers: ${info.stdout.trim()}`);
    const socket = (process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock").replace(/^unix:\/\//, "");
    return { env: process.env, socket, own: false, stop: async () => {} };
  }
  return await startEngine(say);
}

/** Starts an engine with data, state and socket of its own; `stop` ends it and puts the machine's network back. */
export async function startEngine(say: (line: string) => void): Promise<Engine> {
  mkdirSync(CACHE, { recursive: true, mode: 0o711 });
  await dockerPackages(join(CACHE, "docker"), say);
  const env = packagesEnv(join(CACHE, "docker"));
  const state = "/run/reeve-test-compose";
  const data = join(CACHE, "data");
  await endLeftover(state, data, env, say);
  mkdirSync(state, { recursive: true, mode: 0o711 });
  takeState(state);
  const socket = join(state, "docker.sock");
  await prepareHost(BRIDGE, ADDRESS, join(state, HOST_STATE), env);
  const log = openSync(join(CACHE, "dockerd.log"), "w");
  const args = ["--data-root", data, "--exec-root", join(state, "exec"), "--pidfile", join(state, ENGINE_PID)];
  args.push("-H", `unix://${socket}`, "--bridge", BRIDGE, "--default-address-pool", POOL, "--log-level", "warn");
  const daemon = spawn("dockerd", args, { env, stdio: ["ignore", log, log], detached: true });
  const ended = new Promise<void>((resolve) => daemon.once("exit", () => resolve()));
  const clientEnv: NodeJS.ProcessEnv = {
    ...env,
    DOCKER_HOST: `unix://${socket}`,
    DOCKER_SOCKET: socket,
    DOCKER_CONFIG: join(CACHE, "client"),
  };
  const stop = async (): Promise<void> => {
    // Images that a newer one has taken the name of.
    await run("docker", ["image", "prune", "-f"], { env: clientEnv, limit: 60_000 });
    daemon.kill("SIGTERM");
    const limit = setTimeout(() => daemon.kill("SIGKILL"), 30_000);
    await ended;
    clearTimeout(limit);
    await restoreHost(join(state, HOST_STATE), env);
    rmSync(state, { recursive: true, force: true });
  };
  linkPlugins(join(CACHE, "docker"), join(CACHE, "client"));
  const begin = performance.now();
  for (;;) {
    const info = await run("docker", ["info", "--format", "{{.ServerVersion}} {{.Driver}}"], { env: clientEnv });
    if (info.status === 0 && /^\d/.test(info.stdout)) {
      say(`started a Docker engine of our own: ${info.stdout.trim()}, at ${socket}`);
      return { env: clientEnv, socket, own: true, pid: daemon.pid, execRoot: join(state, "exec"), stop };
    }
    if (daemon.exitCode !== null || performance.now() - begin > START_LIMIT) {
      await stop();
      throw new Error(`dockerd does not start: see ${join(CACHE, "dockerd.log")}`);
    }
    await sleep(200);
  }
}

/** The client looks for its plugins in /usr/libexec and in its configuration directory. */
function linkPlugins(root: string, config: string): void {
  mkdirSync(config, { recursive: true });
  rmSync(join(config, "cli-plugins"), { recursive: true, force: true });
  mkdirSync(join(config, "cli-plugins"));
  for (const name of ["docker-compose", "docker-buildx"]) {
    symlinkSync(join(root, "usr/libexec/docker/cli-plugins", name), join(config, "cli-plugins", name));
  }
}
