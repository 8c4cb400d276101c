import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroup2Root } from "../../../../agent/process/cgroups.ts";
import type { ControllerBus } from "../../../../bus/clients/controller.ts";
import { OperatorBus } from "../../../../bus/clients/operator.ts";
import type { Config } from "../../../../bus/config/settings.ts";
import type { Event, EventKind } from "../../../../bus/generated/events.ts";
import { desiredKey } from "../../../../bus/subjects.ts";
import type { NodeStatus } from "../../../../bus/types/status.ts";
import { startBus, type TestBus, until } from "../../../bus/harness.ts";

export { until } from "../../../bus/harness.ts";

export interface RunningAgent {
  pid: number;
  /** What it has logged, one object a line. */
  log: Record<string, unknown>[];
  /** Asks it to stop; resolves with its exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

/** A bus and agents of an instance of their own. */
export class World {
  readonly bus: TestBus;
  readonly config: Config;
  readonly operator: OperatorBus;
  #agents: ChildProcess[] = [];

  private constructor(bus: TestBus, operator: OperatorBus) {
    this.bus = bus;
    this.config = bus.config;
    this.operator = operator;
  }

  static async start(flags: Record<string, unknown> = {}): Promise<World> {
    const bus = await startBus({ instance: `test-${process.pid}`, "log.level": "info", ...flags });
    return new World(bus, new OperatorBus(await bus.connect("operator")));
  }

  /** Starts an agent and waits until it runs (or has failed). */
  async agent(changes: Partial<Config> = {}): Promise<RunningAgent> {
    const file = join(this.config.run_dir, "agent-config.json");
    writeFileSync(file, JSON.stringify({ ...this.config, ...changes }));
    const child = spawn(process.execPath, [join(import.meta.dirname, "run-agent.ts"), file], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#agents.push(child);
    const log: Record<string, unknown>[] = [];
    let text = "";
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines)
        log.push(line.startsWith("{") ? (JSON.parse(line) as Record<string, unknown>) : { line });
    });
    const ended = once(child, "exit");
    await until(() => log.some((it) => it["msg"] === "running") || child.exitCode !== null, 50_000);
    return {
      pid: child.pid!,
      log,
      stop: async () => {
        child.kill("SIGTERM");
        const [code] = (await ended) as [number | null];
        return code;
      },
      kill: async () => {
        child.kill("SIGKILL");
        await ended;
      },
      signal: (signal) => void child.kill(signal),
    };
  }

  /** All events of these kinds that the bus has stored. */
  async events<K extends EventKind>(...kinds: K[]): Promise<Extract<Event, { kind: K }>[]> {
    const events: Event[] = [];
    try {
      for await (const event of this.operator.readEvents({ kinds, follow: false })) events.push(event);
    } catch (error) {
      // the test has taken the bus away; whoever waits for events asks again
      if ((error as { code?: string }).code !== "not_connected") throw error;
      return [];
    }
    return events as Extract<Event, { kind: K }>[];
  }

  /** What the agent last said of itself. */
  async status(): Promise<NodeStatus | undefined> {
    const entries = await this.operator.readStatus();
    return entries.find((entry) => entry.key.startsWith("node."))?.value as NodeStatus | undefined;
  }

  /** Ends agents that a failed test has left. */
  async killAgents(): Promise<void> {
    for (const child of this.#agents) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
  }

  async stop(): Promise<void> {
    await this.killAgents();
    await this.bus.stop();
    rmdirSync(join(cgroup2Root()!, this.config.agent.own_cgroup));
  }
}

/** Has connections watched though no selector asks for it yet, as engines do that have policies. */
export async function standBy(world: World, controller: ControllerBus): Promise<void> {
  const demand = { wants: {}, rulesets: [], standby: ["network_connect" as const] };
  const entry = { selectors: [], hooks: [], ttl: "none" as const, renewedAt: new Date().toISOString(), demand };
  const revision = await controller.desired.put(desiredKey("demand"), entry);
  await until(async () => ((await world.status())?.applied_revision ?? revision) >= revision, 50_000);
}

/** Ids of the BPF programs that a process holds. */
export function programsOf(pid: number): number[] {
  const ids = new Set<number>();
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    const id = /^prog_id:\s*(\d+)$/m.exec(readOrEmpty(`/proc/${pid}/fdinfo/${fd}`))?.[1];
    if (id !== undefined) ids.add(Number(id));
  }
  return [...ids];
}

/** Text of a file that may go at any time: a descriptor that was closed meanwhile. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Those of the programs that the kernel still has. */
export function stillLoaded(ids: readonly number[]): number[] {
  const programs = JSON.parse(execFileSync("bpftool", ["-j", "prog", "show"], { encoding: "utf8" })) as {
    id: number;
  }[];
  return programs.map((program) => program.id).filter((id) => ids.includes(id));
}
