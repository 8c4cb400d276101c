import type { Action, Hook, Selector } from "../../bus/types/selector.ts";
import type { RefusedSelector, SelectorCounters } from "../../bus/types/status.ts";

/** A selector in force until `deadline` (boottime ns; null: no end), from the desired entry `entry`. */
export interface ActiveSelector {
  entry: string;
  selector: Selector;
  deadline: bigint | null;
}

/** What a hook can do on this kernel, by the rung it got. */
export interface HookAbility {
  hook: Hook;
  rung: string;
  /** None: nothing can be decided there, `why` says what stood in the way. */
  actions: readonly Action[];
  why?: string;
  /** Fields that have not their final value yet where this rung decides: selectors that ask for them are refused. */
  notFinal?: readonly string[];
}

/** A process for as long as the machine is up; `start` is its leader's start, boottime ns. */
export interface ProcessKey {
  tgid: number;
  start: bigint;
}

/** The agent's process table, as far as marking trees needs it. */
export interface ProcessLookup {
  find(execId: string): ProcessKey | undefined;
  descendants(key: ProcessKey): Iterable<ProcessKey>;
  /** Binaries of the processes that it was forked from, at whatever distance; not its own. */
  ancestors(key: ProcessKey): Iterable<string>;
  /** Takes in what the kernel has told up to now. */
  drain(): void;
}

export interface ApplyReport {
  /** What was given to `apply`. */
  revision: number;
  /** Number of the installed set, which denial records carry. */
  install: number;
  applied: number;
  refused: RefusedSelector[];
  /** Exempt scopes that cannot be found on this node now. */
  unresolved: string[];
  /** False while disarmed: nothing of it is in force. */
  armed: boolean;
  milliseconds: number;
}

/** Counters of one selector since this agent has it. */
export interface CountedSelector extends SelectorCounters {
  entry: string;
  id: string;
}

/** A selector that went back to mode monitor because it denied more than its budget. */
export interface Demotion {
  entry: string;
  id: string;
  /** Denials in the last minute. */
  denials: number;
  budget: number;
}
