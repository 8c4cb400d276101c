import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { restoreHost, unmountBelow } from "./network.ts";
import { run } from "./run.ts";

const RUNNER = "runner.pid";
/** Names the copy of the tree that a run works in. */
const TREE = "tree";
/** What a run of the test keeps in its state directory. */
export const HOST_STATE = "host.json";
export const ENGINE_PID = "docker.pid";

/** Says in the state directory that this process is at work. */
export function takeState(state: string): void {
  writeFileSync(join(state, RUNNER), String(process.pid));
}

/** Notes the copy of the tree, which goes with the rest. */
export function noteTree(state: string, tree: string): void {
  writeFileSync(join(state, TREE), tree);
}

/**
 * Ends what a run that was killed has left: containers, engine, mounts, and what the engine changed on the machine.
 * @throws Error when that run is still at work
 */
export async function endLeftover(
  state: string,
  data: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<void> {
  if (!existsSync(state)) return;
  if (isRunner(readPid(join(state, RUNNER)))) throw new Error(`another run is at work: ${join(state, RUNNER)}`);
  say("an earlier run was killed: ending what it left");
  const pid = readPid(join(state, ENGINE_PID));
  if (argsOf(pid).includes(data)) {
    const docker = { env: { ...env, DOCKER_HOST: `unix://${join(state, "docker.sock")}` } };
    const all = (await run("docker", ["ps", "-aq"], docker)).stdout.split("\n").filter(Boolean);
    if (all.length > 0) await run("docker", ["rm", "-f", ...all], docker);
    await run("docker", ["volume", "prune", "-af"], docker);
    await run("docker", ["network", "prune", "-f"], docker);
    process.kill(pid, "SIGTERM");
    for (let n = 0; n < 300 && argsOf(pid) !== ""; n++) await sleep(100);
  }
  await unmountBelow([state, data]);
  await restoreHost(join(state, HOST_STATE), env);
  if (existsSync(join(state, TREE))) {
    rmSync(readFileSync(join(state, TREE), "utf8"), { recursive: true, force: true });
  }
  rmSync(state, { recursive: true, force: true });
}

function readPid(file: string): number {
  try {
    return Number.parseInt(readFileSync(file, "utf8"), 10);
  } catch {
    return Number.NaN;
  }
}

function isRunner(pid: number): boolean {
  return argsOf(pid).includes("compose");
}

/** The command line of a process; "" when there is none of that number. */
function argsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
