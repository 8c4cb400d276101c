import type { Hook } from "../generated/hooks.ts";

export { HOOKS } from "../generated/hooks.ts";
export type { Hook } from "../generated/hooks.ts";

/** What a selector does when it matches. */
export const ACTIONS = ["post", "noPost", "deny", "kill", "signal"] as const;
export type Action = (typeof ACTIONS)[number];

/** `monitor` counts and posts what would have been done, `enforce` does it. */
export const MODES = ["monitor", "enforce"] as const;
export type Mode = (typeof MODES)[number];

export const OPERATORS = [
  "in",
  "notIn",
  "prefix",
  "notPrefix",
  "suffix",
  "notSuffix",
  "cidr",
  "notCidr",
  "range",
  "notRange",
  "mask",
] as const;
export type Operator = (typeof OPERATORS)[number];

/**
 * One condition on one field; several are ANDed, values are ORed.
 * `range` values are `[low, high]` pairs, both inclusive; `cidr` values are `address/length`.
 */
export interface Predicate {
  field: string;
  op: Operator;
  values: (string | number | [number, number])[];
}

/** Where a rule, decision or selector applies; the parts given are ANDed. `tree` is an exec_id. */
export interface Scope {
  nodes?: string[];
  host?: boolean;
  cgroup?: string;
  container?: { id?: string; name?: string; image?: string; labels?: Record<string, string> };
  service?: string;
  pod?: { namespace?: string; labels?: Record<string, string> };
  tree?: string;
}

/** Why a selector exists: shown by `reeve why`. */
export interface Because {
  policy?: string;
  ruleset?: string;
  decision?: string;
  /** Name of the decider credential that the decision came with; absent when an engine of ours decided. */
  decider?: string;
  alert?: string;
  event?: string;
  events?: string[];
  person?: string;
  reason?: string;
}

/** The kernel-bound form of every policy and decision. `rate` is records per second, null for the usual number. */
export interface Selector {
  id: string;
  hook: Hook;
  action: Action;
  mode: Mode;
  priority: number;
  rate: number | null;
  /**
   * Whose allowance `rate` is: the selector's (the default), each process's own, or each process's for each file. The event
   * that passes tells by `count` how many of one process and one file it stands for.
   */
  rate_per?: "global" | "process" | "file";
  match: Predicate[];
  scope: Scope;
  because: Because;
}
