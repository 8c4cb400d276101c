import type { BpfMap } from "../kernel/map.ts";
import { decodeTreeMark, encodeTreeMark, type TreeMark, u32 } from "./layout.ts";
import type { ScopeSets } from "./scope-sets.ts";
import type { ProcessKey, ProcessLookup } from "./types.ts";

const START_OFFSET = 0;

/**
 * Marks of process trees: each process of a marked tree carries the number of the set of trees that it belongs to. A
 * child inherits it in the kernel; those that live already are marked from here.
 */
export class TreeMarks {
  readonly #marks: BpfMap;
  readonly #states: BpfMap;
  readonly #processes: ProcessLookup;
  readonly #sets: ScopeSets;
  /** Roots by member, also of trees whose root has gone. */
  readonly #roots = new Map<string, ProcessKey>();

  constructor(marks: BpfMap, states: BpfMap, processes: ProcessLookup, sets: ScopeSets) {
    this.#marks = marks;
    this.#states = states;
    this.#processes = processes;
    this.#sets = sets;
  }

  /** The member of the tree below the process `execId`; undefined when no such process is known. */
  resolve(execId: string): string | undefined {
    const member = `tree:${execId}`;
    const root = this.#roots.get(member) ?? this.#processes.find(execId);
    if (root === undefined) return undefined;
    this.#roots.set(member, root);
    return member;
  }

  /**
   * The marks that are missing: of the roots and every living descendant as far as the kernel has told. Numbers their
   * sets, which the tables must know before the marks are written: a set that the tables do not know means no tree at all.
   */
  plan(members: Iterable<string>): Map<number, TreeMark> {
    this.#processes.drain();
    const plan = new Map<number, TreeMark>();
    for (const member of members) {
      const root = this.#roots.get(member)!;
      for (const process of [root, ...this.#processes.descendants(root)]) {
        const { tgid, start } = process;
        const mark = plan.get(tgid) ?? this.#markOf(tgid);
        const has = mark?.start === start ? this.#sets.membersOf(mark.set) : new Set<string>();
        if (!has.has(member) && this.#lives(process))
          plan.set(tgid, { start, set: this.#sets.numberOf([...has, member]) });
      }
    }
    return plan;
  }

  /**
   * Writes planned marks. A child that is forked meanwhile inherits the new mark or the old one; in that case it is told
   * of: whoever plans again after all running programs have ended finds it.
   */
  write(plan: Map<number, TreeMark>): void {
    for (const [tgid, mark] of plan) {
      this.#marks.update(u32(tgid), encodeTreeMark(mark));
      // the kernel forgets a process's state first and then its mark: one of the two sees the other
      if (!this.#lives({ tgid, start: mark.start })) this.#marks.delete(u32(tgid));
    }
  }

  /** Takes marks away that no member in use needs. Stale ones that a racing fork inherits mean nothing. */
  keep(members: ReadonlySet<string>): void {
    for (const member of this.#roots.keys()) if (!members.has(member)) this.#roots.delete(member);
    for (const [key, value] of this.#marks.entries()) {
      const set = this.#sets.membersOf(decodeTreeMark(value).set);
      if (![...set].some((member) => members.has(member))) this.#marks.delete(key);
    }
  }

  #markOf(tgid: number): TreeMark | undefined {
    const there = this.#marks.lookup(u32(tgid));
    return there && decodeTreeMark(there);
  }

  #lives(process: ProcessKey): boolean {
    const state = this.#states.lookup(u32(process.tgid));
    return state !== undefined && new DataView(state.buffer).getBigUint64(START_OFFSET, true) === process.start;
  }
}
