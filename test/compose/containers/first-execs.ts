// How many first execs of a new container precede its scope being in force:
//   node test/compose/containers/first-execs.ts [containers]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Engine, findEngine } from "../engine/engine.ts";
import { run } from "../engine/run.ts";
import type { Scope } from "../../../bus/types/selector.ts";
import { Containerd } from "./containerd.ts";
import { deafSocket } from "./deaf-socket.ts";
import { IMAGE, LOOP, makeImage, PROBE } from "./image.ts";
import { Stage } from "./stage.ts";

export const EXECS = 200;
const SERVICE = "reeve-first-execs";

export interface FirstExecs {
  containers: number;
  /** Of each container: execs that came before, of EXECS that begin at once. */
  before: number[];
  /** Containers of which the command itself, their very first exec, came before. */
  commands: number;
}

/** Runs a container to its end. */
export type RunOnce = (command: string[]) => Promise<{ status: number; stdout: string; stderr: string }>;

/** Starts so many containers that exec at once, with a selector for this scope of theirs in force. */
export async function measureFirstExecs(
  stage: Stage,
  containers: number,
  scope: Scope = { service: SERVICE },
  runOnce: RunOnce = (command) => stage.runOnce(["--label", `com.docker.compose.service=${SERVICE}`], command),
): Promise<FirstExecs> {
  const found: FirstExecs = { containers, before: [], commands: 0 };
  await stage.forbid(scope);
  for (let i = 0; i < containers; i++) {
    const { stdout, stderr } = await runOnce([LOOP, String(EXECS), PROBE]);
    if (!stdout.startsWith("{")) throw new Error(`the container said nothing: ${stderr}`);
    found.before.push((JSON.parse(stdout) as { ran: number }).ran);
    if ((await runOnce([PROBE])).status !== 137) found.commands++;
  }
  await stage.forbid(undefined);
  return found;
}

/** The two ways in which an agent learns of a container: announced before its start; and asked for when it is there. */
export async function measureBothWays(engine: Engine, stage: Stage, containers: number) {
  const dir = mkdtempSync(join(tmpdir(), "reeve-first-execs-"));
  const deaf = await deafSocket(join(dir, "deaf.sock"), engine.socket);
  try {
    await stage.startAgent(engine.socket);
    const announced = await measureFirstExecs(stage, containers);
    await stage.startAgent(join(dir, "deaf.sock"));
    const asked = await measureFirstExecs(stage, containers);
    return { announced, asked };
  } finally {
    deaf.close();
    rmSync(dir, { recursive: true });
  }
}

/** A sentence for people. */
export function describeFirstExecs(what: string, { containers, before, commands }: FirstExecs): string {
  const late = before.filter((execs) => execs > 0).length;
  const sorted = before.toSorted((a, b) => a - b);
  return (
    `${what}: ${late} of ${containers} containers ran some of their ${EXECS} first execs before their scope was in force ` +
    `(median ${sorted[sorted.length >> 1]}, most ${sorted.at(-1)}); ${commands} of ${containers} first commands did`
  );
}

/** The third way, where containerd is at hand: named by the OCI bundle when the cgroup appears. */
export async function measureBundles(engine: Engine, stage: Stage, containers: number): Promise<FirstExecs> {
  const containerd = new Containerd(engine);
  try {
    await stage.startAgentOnBundles(containerd.bundles);
    return await measureFirstExecs(stage, containers, { container: { name: SERVICE, image: "shop" } }, (command) =>
      containerd.runOnce({ name: SERVICE, image: "shop:2" }, command),
    );
  } finally {
    containerd.close();
  }
}

async function main(): Promise<void> {
  const engine = await findEngine((line) => console.log(line));
  try {
    await makeImage(engine.env);
    const stage = await Stage.open(engine);
    try {
      const { announced, asked } = await measureBothWays(engine, stage, Number(process.argv[2] ?? 20));
      console.log(describeFirstExecs("announced by the runtime", announced));
      console.log(describeFirstExecs("asked for when the cgroup appears", asked));
      if (engine.execRoot !== undefined) {
        const bundles = await measureBundles(engine, stage, Number(process.argv[2] ?? 20));
        console.log(describeFirstExecs("named by its bundle when the cgroup appears", bundles));
      }
    } finally {
      await stage.close();
    }
    await run("docker", ["rmi", `${IMAGE}:1`, `${IMAGE}:latest`], { env: engine.env });
  } finally {
    await engine.stop();
  }
}

if (import.meta.main) await main();
