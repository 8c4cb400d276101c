import type { Decision } from "../../bus/types/decision.ts";
import { formatDuration } from "../../bus/duration.ts";
import type { Problem } from "../problems.ts";

/** What a credential may decide. A lease above `maxTtl` is shortened; everything else that is too much is refused. */
export interface DeciderCaps {
  actions: readonly string[];
  /** Milliseconds. */
  maxTtl: number;
  /** May decide for all nodes. */
  fleet: boolean;
  /** May decide for whole hosts, not only for containers, services, pods, trees and cgroups. */
  host: boolean;
  /** May say `force: true`. */
  force: boolean;
  /** Entries in force at the same time. */
  maxEntries: number;
}

export const MIN_TTL = 1_000;
export const DEFAULT_TTL = 600_000;

/** Engines run the rule sets that people built: what they may is bounded, not second-guessed. */
export const ENGINE_CAPS: DeciderCaps = {
  actions: ["deny", "kill", "signal"],
  maxTtl: 24 * 3_600_000,
  fleet: true,
  host: true,
  force: true,
  maxEntries: 10_000,
};

/** A decider of which the configuration says nothing. */
export const DECIDER_CAPS: DeciderCaps = {
  actions: ["deny", "kill"],
  maxTtl: 3_600_000,
  fleet: false,
  host: true,
  force: false,
  maxEntries: 1_000,
};

/** How the decision exceeds what its credential may; `everywhere`: it reaches all nodes, `wholeHost`: nothing narrows it. */
export function exceededCaps(
  decision: Decision,
  caps: DeciderCaps,
  reach: { everywhere: boolean; wholeHost: boolean },
): Problem[] {
  const problems: Problem[] = [];
  if (!caps.actions.includes(decision.action)) {
    problems.push({
      field: "action",
      message: `is ${decision.action}, which this credential may not decide`,
      allowed: caps.actions.join(", "),
    });
  }
  if (reach.everywhere && !caps.fleet) {
    problems.push({
      field: "fleet",
      message: "is more than this credential may: it may not decide for all nodes",
      allowed: "scope.nodes with names, or because.event with the id of the event that caused it",
    });
  }
  if (reach.wholeHost && !caps.host) {
    problems.push({
      field: "scope",
      message: "is the whole host, for which this credential may not decide",
      allowed: "container, service, pod, tree or a cgroup below the root",
    });
  }
  if (decision.force === true && !caps.force) {
    problems.push({ field: "force", message: "is true, which this credential may not say", allowed: "false" });
  }
  return problems;
}

/** The lease in milliseconds within `caps`; a problem when it is none or shorter than a second. */
export function readLease(ttl: number | undefined, text: string, caps: DeciderCaps): number | Problem {
  if (ttl !== undefined && ttl >= MIN_TTL) return Math.min(ttl, caps.maxTtl);
  return {
    field: "ttl",
    message: `is "${text}"`,
    allowed: `a duration from 1s to ${formatDuration(caps.maxTtl)}, as "10m" or "1h30m"; longer ones are shortened to that`,
  };
}
