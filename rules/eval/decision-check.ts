import { SELECTOR_FIELDS } from "../../bus/types/fields.ts";
import type { Decision } from "../../bus/types/decision.ts";
import { HOOKS, MODES, OPERATORS } from "../../bus/types/selector.ts";
import { durationOf } from "../../bus/duration.ts";
import { didYouMean } from "../../bus/nearest.ts";

const KEYS = ["action", "hook", "match", "scope", "ttl", "mode", "priority", "fleet", "force", "reason"];
const SCOPE_KEYS = ["nodes", "host", "cgroup", "container", "service", "pod", "tree"];
const ACTIONS = ["deny", "kill", "signal"];

export const DEFAULT_TTL = "10m";

/** What is wrong with what a policy decided, or null. The controller judges once more, and whether it is safe. */
export function decisionFault(value: unknown): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "a decision is an object";
  const decision = value as Partial<Record<keyof Decision, unknown>>;
  return (
    unknownKey(decision, KEYS, "a decision") ??
    notIn(decision.action, ACTIONS, "action") ??
    notIn(decision.hook, HOOKS, "hook") ??
    (decision.mode === undefined ? null : notIn(decision.mode, MODES, "mode")) ??
    (decision.ttl === undefined || (typeof decision.ttl === "string" && (durationOf(decision.ttl) ?? 0) >= 1000)
      ? null
      : `ttl is ${JSON.stringify(decision.ttl)}, allowed: a duration of 1s or more such as 10m`) ??
    (decision.scope === undefined ? null : scopeFault(decision.scope)) ??
    (decision.match === undefined ? null : matchFault(decision.match))
  );
}

function scopeFault(scope: unknown): string | null {
  if (typeof scope !== "object" || scope === null || Array.isArray(scope)) return "scope is not an object";
  return unknownKey(scope, SCOPE_KEYS, "scope");
}

function matchFault(match: unknown): string | null {
  if (!Array.isArray(match)) return "match is not an array of {field, op, values}";
  for (const predicate of match as Record<string, unknown>[]) {
    const fault =
      unknownKey(predicate, ["field", "op", "values"], "match") ??
      notIn(predicate["field"], Object.keys(SELECTOR_FIELDS), "field") ??
      notIn(predicate["op"], OPERATORS, "op") ??
      (Array.isArray(predicate["values"]) ? null : "values is not an array");
    if (fault !== null) return `match: ${fault}`;
  }
  return null;
}

function unknownKey(value: object, allowed: readonly string[], what: string): string | null {
  const wrong = Object.keys(value).find((key) => !allowed.includes(key));
  return wrong === undefined
    ? null
    : `${what} has no "${wrong}"${didYouMean(wrong, allowed)} (allowed: ${allowed.join(", ")})`;
}

function notIn(value: unknown, allowed: readonly string[], what: string): string | null {
  if (typeof value === "string" && allowed.includes(value)) return null;
  const near = typeof value === "string" ? didYouMean(value, allowed) : "";
  return `${what} is ${JSON.stringify(value) ?? "missing"}${near} (allowed: ${allowed.join(", ")})`;
}
