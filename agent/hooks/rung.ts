import type { Action, Hook } from "../../bus/types/selector.ts";

/** One way to attach a hook: programs of one object, taken by the kernel together or not at all. */
export interface Rung {
  /** What status, events and `reeve doctor` call it. Two with one name differ in what they can do; the better one is first. */
  name: string;
  /** bpf/out/<object>.bpf.o */
  object: string;
  programs: readonly string[];
  /**
   * Those of the programs that only tell what happened: attached while a selector posts. A program at the end of every system
   * call costs each of them.
   */
  tells?: readonly string[];
  settings?: Readonly<Record<string, number>>;
  /** Programs that are attached to a cgroup, and so to all below it; true: all of them. */
  cgroup?: true | readonly string[];
  /** What selectors can do by it. */
  actions: readonly Action[];
  /** Fields that have not their final value yet where it decides. */
  notFinal?: readonly string[];
  /** What it is worth, in a few words. */
  worth: string;
  /** It comes before the end of the system call: its records wait for that, and bpf/results.bpf.c ends the wait. */
  waits?: boolean;
}

/** A hook's ways to be attached, from the best to what is left. */
export interface Ladder {
  hook: Hook;
  rungs: readonly Rung[];
}

/** Whether selectors can keep something from happening by it. */
export function canDeny(rung: Rung): boolean {
  return rung.actions.includes("deny");
}
