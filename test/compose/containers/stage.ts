import { ControllerBus } from "../../../bus/clients/controller.ts";
import type { Config } from "../../../bus/config/settings.ts";
import { desiredKey } from "../../../bus/subjects.ts";
import type { Scope } from "../../../bus/types/selector.ts";
import { type RunningAgent, until, World } from "../../agent/kernel/agent/harness.ts";
import type { Engine } from "../engine/engine.ts";
import { must, run } from "../engine/run.ts";
import { IMAGE, LOOP, PROBE } from "./image.ts";

const KEY = desiredKey("test-containers");

/** A bus, an agent, and containers of an engine. */
export class Stage {
  readonly world: World;
  readonly #engine: Engine;
  readonly #controller: ControllerBus;
  readonly #containers: string[] = [];
  #agent: RunningAgent | undefined;

  private constructor(world: World, engine: Engine, controller: ControllerBus) {
    this.world = world;
    this.#engine = engine;
    this.#controller = controller;
  }

  static async open(engine: Engine): Promise<Stage> {
    const world = await World.start();
    return new Stage(world, engine, new ControllerBus(await world.bus.connect("controller")));
  }

  /** Starts the agent anew, asking the runtime at this socket. */
  async startAgent(socket: string): Promise<void> {
    await this.#restart({ container_sockets: [socket] });
    await until(async () => (await this.world.status())?.containers?.runtimes[0]?.state === "connected", 30_000);
  }

  /** Starts the agent anew, with nobody to ask, but OCI bundles of this form. */
  async startAgentOnBundles(pattern: string): Promise<void> {
    await this.#restart({ container_sockets: [], container_bundles: [pattern] });
  }

  async #restart(more: Partial<Config["agent"]>): Promise<void> {
    await this.#agent?.stop();
    const before = (await this.world.status())?.epoch ?? 0;
    this.#agent = await this.world.agent({ agent: { ...this.world.config.agent, ...more } });
    await until(async () => ((await this.world.status())?.epoch ?? 0) > before, 30_000);
  }

  /** No /bin/probe in this scope from now on; undefined: everywhere. */
  async forbid(scope: Scope | undefined): Promise<void> {
    const match = [{ field: "process.binary", op: "in" as const, values: [PROBE] }];
    const selector = {
      id: "no-probe",
      hook: "process_exec" as const,
      action: "kill" as const,
      mode: "enforce" as const,
    };
    const selectors =
      scope === undefined ? [] : [{ ...selector, priority: 0, rate: null, match, scope, because: { policy: "test" } }];
    const renewedAt = new Date().toISOString();
    const revision = await this.#controller.desired.put(KEY, { selectors, hooks: [], ttl: "none", renewedAt });
    await until(async () => ((await this.world.status())?.applied_revision ?? -1) >= revision, 30_000);
    const [refused] = (await this.world.status())!.refused;
    if (refused !== undefined) throw new Error(refused.reason);
  }

  /** Starts a container that waits; removed with the rest. */
  async start(name: string, ...flags: string[]): Promise<string> {
    this.#containers.push(name);
    const args = ["run", "-d", "--network", "none", "--name", name, ...flags, IMAGE, LOOP, "wait"];
    return (await this.docker(...args)).trim();
  }

  /** Runs a container to its end: exit status and output. */
  async runOnce(flags: string[], command: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    const args = ["run", "--rm", "--network", "none", ...flags, IMAGE, ...command];
    return await run("docker", args, { env: this.#engine.env });
  }

  /** Whether /bin/probe runs in a container now. */
  async probe(name: string): Promise<boolean> {
    const { status, stderr } = await run("docker", ["exec", name, PROBE], { env: this.#engine.env });
    if (status !== 0 && status !== 137) throw new Error(`docker exec ${name}: ${status}: ${stderr}`);
    return status === 0;
  }

  async docker(...args: string[]): Promise<string> {
    return await must("docker", args, { env: this.#engine.env });
  }

  async removeContainers(): Promise<void> {
    for (const name of this.#containers.splice(0)) await run("docker", ["rm", "-f", name], { env: this.#engine.env });
  }

  async close(): Promise<void> {
    await this.removeContainers();
    await this.#agent?.stop();
    await this.world.stop();
  }
}
