import { join } from "node:path";
import { KernelError } from "../kernel/errors.ts";
import { lsmObstacle } from "../kernel/lsm.ts";
import { type BpfLink, BpfObject, type OpenOptions, type SharedMaps } from "../kernel/object.ts";
import { canDeny, type Ladder, type Rung } from "./rung.ts";

const OBJECTS = join(import.meta.dirname, "../../bpf/out");

export interface ClimbOptions {
  maps: SharedMaps;
  maxEntries: Readonly<Record<string, number>>;
  /** Directory in the v2 hierarchy for what is attached to a cgroup; undefined where there is none. */
  cgroup: string | undefined;
  /** Which rungs may be taken; all by default. For tests of those that a kernel would not come to. */
  takes?: (rung: Rung) => boolean;
}

/** A rung whose programs are loaded and attached. */
export class Foothold {
  readonly rung: Rung;
  readonly #object: BpfObject;
  readonly #links: BpfLink[];
  readonly #options: ClimbOptions;
  #tellers: Foothold | undefined;

  private constructor(rung: Rung, object: BpfObject, links: BpfLink[], options: ClimbOptions) {
    this.rung = rung;
    this.#object = object;
    this.#links = links;
    this.#options = options;
  }

  /** The programs that are attached. */
  get programs(): readonly string[] {
    const { programs, tells = [] } = this.rung;
    return this.#tellers === undefined ? programs.filter((program) => !tells.includes(program)) : programs;
  }

  /**
   * `tells`: with the programs that only tell what happened.
   * @throws KernelError when the kernel does not take the rung; then nothing of it is left.
   */
  static take(rung: Rung, options: ClimbOptions, tells: boolean): Foothold {
    const { tells: tellers = [] } = rung;
    const programs = rung.programs.filter((program) => !tellers.includes(program));
    const { object, links } = Foothold.#attach({ ...rung, programs }, options);
    const foothold = new Foothold(rung, object, links, options);
    if (!tells) return foothold;
    try {
      foothold.tell();
    } catch (error) {
      foothold.close();
      throw error;
    }
    return foothold;
  }

  /** Attaches the programs that only tell what happened. @throws KernelError when the kernel does not take them */
  tell(): void {
    const { tells = [] } = this.rung;
    if (this.#tellers !== undefined || tells.length === 0) return;
    const { tells: _, ...rung } = this.rung;
    this.#tellers = Foothold.take({ ...rung, programs: tells }, this.#options, false);
  }

  /** Gives these back. */
  hush(): void {
    this.#tellers?.close();
    this.#tellers = undefined;
  }

  static #attach(rung: Rung, options: ClimbOptions): { object: BpfObject; links: BpfLink[] } {
    const obstacle = obstacleOf(rung);
    if (obstacle !== undefined) throw new KernelError("attach", obstacle);
    if (rung.cgroup && options.cgroup === undefined)
      throw new KernelError("attach", "this host has no cgroup v2 hierarchy");
    const object = loadRung(rung, options);
    const links: BpfLink[] = [];
    try {
      for (const program of rung.programs)
        links.push(inCgroup(rung, program) ? object.attachCgroup(program, options.cgroup!) : object.attach(program));
    } catch (error) {
      for (const link of links) link.close();
      object.close();
      throw error;
    }
    return { object, links };
  }

  /** Detaches, and gives the programs back. */
  close(): void {
    this.hush();
    for (const link of this.#links) link.close();
    this.#object.close();
  }
}

/** Whether a program of a rung is attached to a cgroup. */
export function inCgroup({ cgroup }: Rung, program: string): boolean {
  return cgroup === true || cgroup?.includes(program) === true;
}

/** Why a rung would do nothing although the kernel takes its programs; undefined: it would not do nothing. */
export function obstacleOf(rung: Rung): string | undefined {
  return rung.name === "lsm" ? lsmObstacle() : undefined;
}

/** Whether a rung's programs are made of bpf/include/hook_run.h. */
function decides(rung: Rung): boolean {
  return rung.actions.includes("post");
}

/** The programs of a rung, loaded and not attached. @throws KernelError */
export function loadRung(rung: Rung, options: Pick<ClimbOptions, "maps" | "maxEntries">): BpfObject {
  return loadMatching(`${rung.object}.bpf.o`, {
    maps: options.maps,
    settings: { ...(decides(rung) ? { act_denies: canDeny(rung) ? 1 : 0 } : {}), ...rung.settings },
    autoload: (program) => rung.programs.includes(program),
    maxEntries: { ...options.maxEntries },
  });
}

/**
 * Loads an object of bpf/out that has the matcher in it. Before 5.11 programs outside of the network may not lock: there the
 * matcher counts its allowances without, a record more or less.
 * @throws KernelError
 */
export function loadMatching(name: string, options: OpenOptions): BpfObject {
  const load = (locks: number): BpfObject => {
    const settings = { ...options.settings, match_locks: locks };
    const object = BpfObject.open(join(OBJECTS, name), { ...options, settings });
    try {
      object.load();
      return object;
    } catch (error) {
      object.close();
      throw error;
    }
  };
  try {
    return load(1);
  } catch (error) {
    if (!(error instanceof KernelError && error.message.includes("bpf_spin_lock"))) throw error;
    return load(0);
  }
}

export interface Climbed {
  foothold: Foothold | undefined;
  /** Each rung above it that the kernel did not take, and why: `lsm: EPERM`. */
  refused: string[];
}

/**
 * Takes the best rung of a ladder that this kernel takes, with or without the programs that only tell what happened. Never
 * throws on what the kernel says.
 */
export function climb(ladder: Ladder, options: ClimbOptions, tells = true): Climbed {
  const refused: string[] = [];
  for (const rung of ladder.rungs) {
    if (options.takes?.(rung) === false) continue;
    try {
      return { foothold: Foothold.take(rung, options, tells), refused };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      refused.push(`${rung.name}: ${inShort(error)}`);
    }
  }
  return { foothold: undefined, refused };
}

/** An error's first line, and the last thing that the verifier said. */
export function inShort(error: Error): string {
  const [first = "", ...more] = error.message.split("\n");
  const said = more.findLast((line) => !line.startsWith("libbpf: "));
  return said === undefined ? first : `${first} (${said})`;
}
