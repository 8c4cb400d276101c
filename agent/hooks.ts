import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../bus/log.ts";
import type { Hook } from "../bus/types/selector.ts";
import { KernelError } from "./kernel/errors.ts";
import { BpfObject, type BpfLink, SharedMaps } from "./kernel/object.ts";
import { cgroup1Root } from "./process/cgroups.ts";
import { loadNetwork } from "./selectors/network-object.ts";
import type { HookAbility } from "./selectors/types.ts";

const OBJECTS = join(import.meta.dirname, "../bpf/out");
/** Decides about execs; a program of its own, so that what it cannot do takes nothing from observation. */
const MATCH_EXEC = "process_exec_match";

/** How one hook got attached. */
export interface AttachedHook {
  hook: Hook;
  rung: string;
  attached: boolean;
  /** Whether selectors can deny here. */
  canDeny: boolean;
  /** Why not, or why on a weaker rung. */
  detail?: string;
}

export interface HooksOptions {
  ringBytes: number;
  argumentBytes: number;
  /** Directory in the v2 hierarchy below which connects are decided. */
  connectCgroup: string | undefined;
  /** More maps' sizes, by name. */
  maxEntries?: Record<string, number>;
}

/** The eBPF programs of the agent: loaded with one set of maps, attached from best rung to weakest. */
export class Hooks {
  readonly maps = new SharedMaps();
  readonly attached: AttachedHook[] = [];
  /** What selectors can do at each hook that has a matcher. */
  readonly abilities: HookAbility[] = [];
  readonly #options: HooksOptions;
  readonly #objects: BpfObject[] = [];
  readonly #links: BpfLink[] = [];
  #tellsCgroups = false;

  constructor(options: HooksOptions) {
    this.#options = options;
  }

  /** @throws KernelError when processes cannot be observed at all. */
  attachProcesses(): void {
    const open = (withMatch: boolean) => {
      const object = BpfObject.open(join(OBJECTS, "process.bpf.o"), {
        maps: this.maps,
        settings: this.#settings(),
        autoload: (program) => withMatch || program !== MATCH_EXEC,
        maxEntries: { events: this.#options.ringBytes, ...this.#options.maxEntries },
      });
      return this.#load(object);
    };
    let object: BpfObject;
    let detail: string | undefined;
    try {
      object = open(true);
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== "load") throw error;
      detail = `the matcher is refused by this kernel: ${inShort(error)}`;
      object = open(false);
    }
    const programs = object.programs().filter((program) => detail === undefined || program !== MATCH_EXEC);
    for (const program of programs) this.#links.push(object.attach(program));
    const canDeny = detail === undefined;
    if (detail === undefined) {
      this.abilities.push({ hook: "process_exec", rung: "tp_btf", actions: ["deny", "kill", "signal"] });
    } else this.abilities.push({ hook: "process_exec", rung: "tp_btf", actions: [], why: detail });
    this.attached.push({
      hook: "process_exec",
      rung: "tp_btf",
      attached: true,
      canDeny,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  /** How a hook is attached; "none" when it is not. */
  rungOf(hook: string): string {
    return this.attached.find((it) => it.hook === hook)?.rung ?? "none";
  }

  /** Whether the kernel tells of each cgroup that is made or removed. */
  get tellsCgroups(): boolean {
    return this.#tellsCgroups;
  }

  /** Cgroups that are made later inherit the scopes of their parents. Without, the agent still marks those it sees. */
  attachScopes(log: Logger): void {
    try {
      this.#attachScopes();
    } catch (err) {
      log.warn({ err }, "new cgroups do not inherit their parents' scopes in the kernel");
    }
  }

  #attachScopes(): void {
    const object = BpfObject.open(join(OBJECTS, "scope.bpf.o"), {
      maps: this.maps,
      settings: { container_hierarchy: containerHierarchy() },
      ...(this.#options.maxEntries ? { maxEntries: this.#options.maxEntries } : {}),
    });
    this.#load(object);
    for (const program of object.programs()) this.#links.push(object.attach(program));
    this.#tellsCgroups = true;
  }

  /** Never throws: a kernel without this hook says so in its status. */
  attachConnect(): void {
    const where = this.#options.connectCgroup;
    const hook: AttachedHook = { hook: "network_connect", rung: "cgroup", attached: false, canDeny: false };
    this.attached.push(hook);
    const missing = (detail: string): void => {
      hook.detail = detail;
      this.abilities.push({ hook: "network_connect", rung: "cgroup", actions: [], why: detail });
    };
    if (where === undefined) return missing("this host has no cgroup v2 hierarchy");
    try {
      const { object, ability } = loadNetwork(join(OBJECTS, "network.bpf.o"), { maps: this.maps });
      this.#objects.push(object);
      this.#links.push(object.attachCgroup("connect4", where), object.attachCgroup("connect6", where));
      hook.attached = true;
      hook.canDeny = true;
      this.abilities.push(ability);
    } catch (error) {
      missing(inShort(error));
    }
    return undefined;
  }

  /**
   * Records of all processes that run now, one after the other, each as long as its header says. Before 5.18 iterators
   * cannot read arguments: then `withArguments` is false, and procfs has them.
   */
  readSeed(): { records: Uint8Array; withArguments: boolean } {
    let failure: unknown;
    for (const program of ["seed_with_arguments", "seed_without_arguments"]) {
      let object: BpfObject | undefined;
      try {
        object = BpfObject.open(join(OBJECTS, "seed.bpf.o"), {
          maps: this.maps,
          settings: this.#settings(),
          autoload: (name) => name === program,
        });
        object.load();
        return { records: object.readIterator(program), withArguments: program === "seed_with_arguments" };
      } catch (error) {
        failure = error;
      } finally {
        object?.close();
      }
    }
    throw failure;
  }

  /** Detaches everything. */
  close(): void {
    for (const link of this.#links.reverse()) link.close();
    for (const object of this.#objects) object.close();
    this.maps.close();
  }

  #load(object: BpfObject): BpfObject {
    try {
      object.load();
    } catch (error) {
      object.close();
      throw error;
    }
    this.#objects.push(object);
    return object;
  }

  #settings(): Record<string, number> {
    return { argument_bytes: this.#options.argumentBytes, container_subsystem: containerSubsystem() };
  }
}

/** Number of the v1 hierarchy's controller that names containers, -1 where v2 does: its line in /proc/cgroups, from 0. */
export function containerSubsystem(): number {
  const v1 = cgroup1Root();
  return v1 === undefined ? -1 : controllers().findIndex(([name]) => name === v1.controller);
}

/** Number of that hierarchy. */
function containerHierarchy(): number {
  const v1 = cgroup1Root();
  const number = v1 && controllers().find(([name]) => name === v1.controller)?.[1];
  return number === undefined ? -1 : Number(number);
}

/** /proc/cgroups: name, hierarchy, cgroups, enabled. */
function controllers(): string[][] {
  const lines = readFileSync("/proc/cgroups", "utf8").split("\n");
  return lines.filter((line) => !line.startsWith("#")).map((line) => line.split("\t"));
}

function inShort(error: unknown): string {
  const lines = (error as Error).message.split("\n");
  return lines.length > 1 ? `${lines[0]} (${lines.at(-1)})` : lines[0]!;
}
