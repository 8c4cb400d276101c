import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroup2Root } from "../../agent/process/cgroups.ts";
import { ControllerBus } from "../../bus/clients/controller.ts";
import type { Config } from "../../bus/config/settings.ts";
import type { Event, EventKind } from "../../bus/generated/events.ts";
import { desiredKey } from "../../bus/subjects.ts";
import type { NodeStatus } from "../../bus/types/status.ts";
import type { Hook, Selector } from "../../bus/types/selector.ts";
import { type RunningAgent, until, World } from "../agent/kernel/agent/harness.ts";

export { until } from "../agent/kernel/agent/harness.ts";

const TRUTH_FD = 9;
/** The first demand loads and attaches the hook, which in a guest takes a while. */
const ATTACH_MS = 120_000;
const EVENTS_MS = 30_000;

export type EventOf<K extends EventKind> = Extract<Event, { kind: K }>;

/** What a run of a test program printed as truth, and how it ended. */
export interface Run<T> {
  truths: T[];
  status: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * An agent on a bus of its own, and a cgroup and directory for the programs that a test runs: selectors of the test mean that
 * cgroup only. One for each file of test/hooks.
 */
export class HookRig {
  readonly world: World;
  readonly agent: RunningAgent;
  /** For files of the test; gone afterwards. */
  readonly dir: string;
  readonly cgroup: string;
  readonly #controller: ControllerBus;
  readonly #key: string;

  private constructor(name: string, world: World, agent: RunningAgent, controller: ControllerBus, cgroup: string) {
    this.world = world;
    this.agent = agent;
    this.#controller = controller;
    this.#key = desiredKey(`test-${name}`);
    this.cgroup = cgroup;
    this.dir = mkdtempSync(join(tmpdir(), `reeve-${name}-`));
  }

  /** `settings` of the agent differ from the usual ones. */
  static async start(name: string, settings: Partial<Config["agent"]> = {}): Promise<HookRig> {
    const cgroup = `/reeve-test-${name}-${process.pid}`;
    mkdirSync(join(cgroup2Root()!, cgroup));
    const world = await World.start();
    const controller = new ControllerBus(await world.bus.connect("controller"));
    const agent = await world.agent({ agent: { ...world.config.agent, ...settings } });
    return new HookRig(name, world, agent, controller, cgroup);
  }

  async stop(): Promise<void> {
    await this.world.stop();
    rmSync(this.dir, { recursive: true, force: true });
    rmdirSync(join(cgroup2Root()!, this.cgroup));
  }

  /** A selector of the test's cgroup; without more it posts. */
  selector(hook: Hook, more: Partial<Selector> = {}): Selector {
    return {
      ...{ id: `see-${hook}`, hook, action: "post", mode: "enforce", priority: 0, rate: null, match: [] },
      ...{ scope: { cgroup: this.cgroup }, because: { policy: "test/hooks" } },
      ...more,
    };
  }

  /** Puts these selectors in force, and no others; a hook's name stands for one that posts every act in the cgroup. */
  async demand(...wanted: (Hook | Selector)[]): Promise<NodeStatus> {
    const selectors = wanted.map((one) => (typeof one === "string" ? this.selector(one) : one));
    const hooks = [...new Set(selectors.map(({ hook }) => hook))];
    const entry = { selectors, hooks, ttl: "none" as const, renewedAt: new Date().toISOString() };
    const revision = await this.#controller.desired.put(this.#key, entry);
    await until(async () => ((await this.world.status())?.applied_revision ?? -1) >= revision, ATTACH_MS);
    return (await this.world.status())!;
  }

  /** How a hook is attached now: the status's entry. */
  async hook(hook: Hook): Promise<NodeStatus["hooks"][number]> {
    return (await this.world.status())!.hooks.find((one) => one.hook === hook)!;
  }

  /** Runs a program in the test's cgroup and directory. */
  run<T>(program: string, ...args: string[]): Run<T> {
    return this.shell<T>('exec "$@"', program, ...args);
  }

  /** Runs a script of the shell there; `args` are "$@". Standard error goes to the test's own. */
  shell<T>(script: string, ...args: string[]): Run<T> {
    const stdio = Array.from({ length: TRUTH_FD + 1 }, (): "ignore" | "pipe" | "inherit" => "ignore");
    stdio[0] = stdio[TRUTH_FD] = "pipe";
    stdio[1] = stdio[2] = "inherit";
    const enter = `echo $$ > ${join(cgroup2Root()!, this.cgroup)}/cgroup.procs; ${script}`;
    const { output, status, signal } = spawnSync("/bin/sh", ["-c", enter, "sh", ...args], {
      ...{ stdio, cwd: this.dir, input: "", maxBuffer: 64 << 20 },
    });
    const lines = String(output[TRUTH_FD] ?? "").split("\n");
    return { truths: lines.filter(Boolean).map((line) => JSON.parse(line) as T), status, signal };
  }

  /** A process's events of a kind, once there are as many as there should be (or too much time has passed). */
  async events<K extends EventKind>(kind: K, pid: number, count: number): Promise<EventOf<K>[]> {
    const find = async () =>
      (await this.world.events(kind)).filter((event) => (event as { process?: { pid: number } }).process?.pid === pid);
    await until(async () => (await find()).length >= count, EVENTS_MS);
    return find();
  }
}
