import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../../bus/log.ts";
import type { Hook } from "../../bus/types/selector.ts";
import type { ActiveSelector } from "../desired/desired-state.ts";
import { KernelError } from "../kernel/errors.ts";
import { BpfObject, type BpfLink, SharedMaps } from "../kernel/object.ts";
import { cgroup1Root } from "../process/cgroups.ts";
import type { HookAbility } from "../selectors/types.ts";
import { climb, type Climbed, type ClimbOptions, inShort, loadMatching } from "./climb.ts";
import { DemandedHook } from "./demanded-hook.ts";
import { EXEC_KILL, EXEC_LADDER, KIND_LADDERS } from "./ladders.ts";
import { Results } from "./results.ts";
import { canDeny, type Ladder, type Rung } from "./rung.ts";

const OBJECTS = join(import.meta.dirname, "../../bpf/out");
/** Decides about execs; a program of its own, so that what it cannot do takes nothing from observation. */
const MATCH_EXEC = EXEC_KILL.programs[0]!;
/** MATCH_WANT_POST of bpf/include/match_event.h: the rest is decided elsewhere. */
const WANT_POST = 2;

/** How one hook got attached. */
export interface AttachedHook {
  hook: Hook;
  rung: string;
  attached: boolean;
  /** Whether selectors can deny here. */
  canDeny: boolean;
  /** Names of its programs that are loaded. */
  programs: readonly string[];
  /** It is attached when somebody asks for it; now nobody does. */
  idle?: true;
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
  /** Names of the rungs to look at; all by default. */
  rungs?: readonly string[];
}

/** The eBPF programs of the agent: loaded with one set of maps, each hook attached by the best rung that this kernel takes. */
export class Hooks {
  readonly maps = new SharedMaps();
  readonly attached: AttachedHook[] = [];
  /** What selectors can do at each hook that has a matcher; changed in place. */
  readonly abilities: HookAbility[] = [];
  readonly #options: HooksOptions;
  readonly #objects: BpfObject[] = [];
  readonly #links: BpfLink[] = [];
  readonly #climbOptions: ClimbOptions;
  readonly #results: Results;
  readonly #demanded: readonly DemandedHook[];
  #tellsCgroups = false;

  constructor(options: HooksOptions) {
    this.#options = options;
    this.#climbOptions = {
      maps: this.maps,
      maxEntries: { events: options.ringBytes, ...options.maxEntries },
      cgroup: options.connectCgroup,
      ...(options.rungs ? { takes: ({ name }) => options.rungs!.includes(name) } : {}),
    };
    this.#results = new Results(this.#climbOptions);
    this.#demanded = KIND_LADDERS.map(
      (ladder) => new DemandedHook(ladder, this.#climbOptions, this.#results, (hook) => this.#report(hook)),
    );
  }

  /** @throws KernelError when processes cannot be observed at all. */
  attachProcesses(): void {
    const before = this.#climb(EXEC_LADDER);
    const denies = before.foothold?.rung;
    let object: BpfObject;
    let detail: string | undefined;
    try {
      object = this.#openProcess(true, denies === undefined ? 0 : WANT_POST);
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== "load") throw error;
      detail = `the matcher is refused by this kernel: ${inShort(error)}`;
      object = this.#openProcess(false, 0);
    }
    const programs = object.programs().filter((program) => detail === undefined || program !== MATCH_EXEC);
    for (const program of programs) this.#links.push(object.attach(program));
    const rung = denies ?? (detail === undefined ? EXEC_KILL : undefined);
    this.#decided(
      "process_exec",
      rung,
      [...before.refused, ...(detail === undefined ? [] : [detail])],
      EXEC_KILL.name,
      [...programs, ...(denies?.programs ?? [])],
    );
    for (const hook of this.#demanded) hook.announce();
  }

  /** How a hook is attached, or was the last time; "none" when it never was. */
  rungOf(hook: string): string {
    return this.attached.find((it) => it.hook === hook)?.rung ?? "none";
  }

  /** How processes are seen, which is not always how their execs are decided about. */
  get processRung(): string {
    return EXEC_KILL.name;
  }

  /** Whether the kernel tells of each cgroup that is made or removed. */
  get tellsCgroups(): boolean {
    return this.#tellsCgroups;
  }

  /** Cgroups that are made later inherit the scopes of their parents. Without, the agent still marks those it sees. */
  attachScopes(log: Logger): void {
    try {
      const object = BpfObject.open(join(OBJECTS, "scope.bpf.o"), {
        maps: this.maps,
        settings: { container_hierarchy: containerHierarchy() },
        maxEntries: { ...this.#climbOptions.maxEntries },
      });
      this.#load(object);
      for (const program of object.programs()) this.#links.push(object.attach(program));
      this.#tellsCgroups = true;
    } catch (err) {
      log.warn({ err }, "new cgroups do not inherit their parents' scopes in the kernel");
    }
  }

  /** Hooks that are not attached, and that these would attach: until then nothing can be in force there. */
  missed(selectors: readonly ActiveSelector[], standby: ReadonlySet<Hook>): Set<Hook> {
    const asking = selectors.map(({ selector }) => selector);
    return new Set(this.#demanded.flatMap((it) => (it.isMissed(asking, standby.has(it.hook)) ? it.hook : [])));
  }

  /**
   * To be called before selectors are put in force: attaches hooks that are attached on demand only and for which one of
   * them asks, or that are to stand by. The others are not touched.
   */
  demand(selectors: readonly ActiveSelector[], standby: ReadonlySet<Hook>): void {
    const asking = selectors.map(({ selector }) => selector);
    for (const hook of this.#demanded) hook.demand(asking, standby.has(hook.hook));
  }

  /**
   * To be called after: detaches such hooks when none of what is in force is for them, and of those that nothing is told of
   * what only tells.
   */
  release(inForce: ReadonlySet<Hook>, told: ReadonlySet<Hook>): void {
    for (const hook of this.#demanded) {
      if (!inForce.has(hook.hook)) hook.release();
      else if (!told.has(hook.hook)) hook.hush();
    }
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
    for (const hook of this.#demanded) hook.close();
    for (const link of this.#links.reverse()) link.close();
    for (const object of this.#objects) object.close();
    for (const foothold of this.#footholds) foothold.close();
    this.maps.close();
  }

  readonly #footholds: NonNullable<Climbed["foothold"]>[] = [];

  #climb(ladder: Ladder): Climbed {
    const climbed = climb(ladder, this.#climbOptions);
    if (climbed.foothold) this.#footholds.push(climbed.foothold);
    return climbed;
  }

  /** Says what became of a hook. `last` is the rung that it is on when nothing can be decided there. */
  #decided(
    hook: Hook,
    rung: Rung | undefined,
    refused: readonly string[],
    last: string,
    programs: readonly string[],
  ): void {
    const detail = refused.join("; ");
    this.#report({
      attached: {
        hook,
        rung: rung?.name ?? last,
        attached: rung !== undefined || hook === "process_exec",
        canDeny: rung !== undefined && canDeny(rung),
        programs,
        ...(detail === "" ? {} : { detail }),
      },
      ability: {
        ...{ hook, rung: rung?.name ?? last, actions: rung?.actions ?? [] },
        ...(rung?.notFinal ? { notFinal: rung.notFinal } : {}),
        ...(rung === undefined ? { why: detail } : {}),
      },
    });
  }

  #report({ attached, ability }: { attached: AttachedHook; ability: HookAbility | undefined }): void {
    replace(this.attached, attached);
    if (ability) replace(this.abilities, ability);
  }

  #openProcess(withMatch: boolean, want: number): BpfObject {
    const object = loadMatching("process.bpf.o", {
      maps: this.maps,
      settings: { ...this.#settings(), exec_want: want },
      autoload: (program) => withMatch || program !== MATCH_EXEC,
      maxEntries: { ...this.#climbOptions.maxEntries },
    });
    this.#objects.push(object);
    return object;
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

/** Puts a hook's entry in the place of its last one. */
function replace<T extends { hook: Hook }>(list: T[], entry: T): void {
  const at = list.findIndex(({ hook }) => hook === entry.hook);
  if (at < 0) list.push(entry);
  else list[at] = entry;
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
