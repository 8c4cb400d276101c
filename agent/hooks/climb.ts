import { join } from "node:path";
import { KernelError } from "../kernel/errors.ts";
import { type BpfLink, BpfObject, type SharedMaps } from "../kernel/object.ts";
import type { Ladder, Rung } from "./rung.ts";

const OBJECTS = join(import.meta.dirname, "../../bpf/out");

export interface ClimbOptions {
  maps: SharedMaps;
  maxEntries: Readonly<Record<string, number>>;
  /** Directory in the v2 hierarchy for what is attached to a cgroup; undefined where there is none. */
  cgroup: string | undefined;
}

/** A rung whose programs are loaded and attached. */
export class Foothold {
  readonly rung: Rung;
  readonly #object: BpfObject;
  readonly #links: BpfLink[];

  private constructor(rung: Rung, object: BpfObject, links: BpfLink[]) {
    this.rung = rung;
    this.#object = object;
    this.#links = links;
  }

  /** @throws KernelError when the kernel does not take the rung; then nothing of it is left. */
  static take(rung: Rung, options: ClimbOptions): Foothold {
    const obstacle = rung.obstacle?.();
    if (obstacle !== undefined) throw new KernelError("attach", obstacle);
    if (rung.cgroup && options.cgroup === undefined)
      throw new KernelError("attach", "this host has no cgroup v2 hierarchy");
    const object = openRung(rung, options);
    const links: BpfLink[] = [];
    try {
      object.load();
      for (const program of rung.programs)
        links.push(rung.cgroup ? object.attachCgroup(program, options.cgroup!) : object.attach(program));
    } catch (error) {
      for (const link of links) link.close();
      object.close();
      throw error;
    }
    return new Foothold(rung, object, links);
  }

  /** Detaches, and gives the programs back. */
  close(): void {
    for (const link of this.#links) link.close();
    this.#object.close();
  }
}

/** The programs of a rung, not loaded yet. @throws KernelError */
export function openRung(rung: Rung, options: Pick<ClimbOptions, "maps" | "maxEntries">): BpfObject {
  return BpfObject.open(join(OBJECTS, `${rung.object}.bpf.o`), {
    maps: options.maps,
    settings: rung.settings ?? {},
    autoload: (program) => rung.programs.includes(program),
    maxEntries: options.maxEntries,
  });
}

export interface Climbed {
  foothold: Foothold | undefined;
  /** Each rung above it that the kernel did not take, and why: `lsm: EPERM`. */
  refused: string[];
}

/** Takes the best rung of a ladder that this kernel takes. Never throws on what the kernel says. */
export function climb(ladder: Ladder, options: ClimbOptions): Climbed {
  const refused: string[] = [];
  for (const rung of ladder.rungs) {
    try {
      return { foothold: Foothold.take(rung, options), refused };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      refused.push(`${rung.name}: ${inShort(error)}`);
    }
  }
  return { foothold: undefined, refused };
}

/** An error's first line, and the last thing that the verifier said. */
export function inShort(error: Error): string {
  const lines = error.message.split("\n");
  return lines.length > 1 ? `${lines[0]} (${lines.at(-1)})` : lines[0]!;
}
