import type { Decision } from "../../bus/types/decision.ts";
import type { DesiredEntry } from "../../bus/types/desired.ts";
import type { Because, Mode, Selector } from "../../bus/types/selector.ts";
import { parseLease } from "../lease-text.ts";
import { describeProblems, type Problem } from "../problems.ts";
import { findLockout } from "../safety/check.ts";
import { type DeciderCaps, DEFAULT_TTL, exceededCaps, readLease } from "./caps.ts";
import { entryId } from "./identity.ts";
import { reachOf } from "./reach.ts";
import { readDecision } from "./read.ts";
import { isWholeHost } from "./scope.ts";

/** What the bus, not the sender, says of a decision. */
export interface DecisionOrigin {
  /** Policy that the subject names. */
  policy: string;
  /** Credential of a decider, null for an engine of ours. */
  decider: string | null;
  /** Sequence in the decisions' stream. */
  sequence: number;
  /** Milliseconds since 1970 at which the stream took it: its lease is counted from here, however late it is read. */
  time: number;
}

/** Where an entry stands in the desired state: `node` null is `all.<id>`. */
export interface EntryAddress {
  node: string | null;
  id: string;
}

export interface PlannedEntry extends EntryAddress {
  entry: DesiredEntry;
}

export type DecisionPlan =
  | { ok: true; entries: PlannedEntry[]; shortened: boolean }
  | { ok: false; code: RefusalCode; message: string };

export type RefusalCode = "invalid_decision" | "caps_exceeded" | "would_lock_out" | "too_late";

/**
 * The desired entries that a decision asks for, one for each node it reaches, or why it is refused.
 * `defaultMode` is what a decision without `mode` gets.
 */
export function planDecision(
  value: unknown,
  origin: DecisionOrigin,
  options: { caps: DeciderCaps; defaultMode: Mode; now: number },
): DecisionPlan {
  const read = readDecision(value);
  if (!read.ok) return refuse("invalid_decision", read.problems);
  const decision = read.value;
  const reach = reachOf(decision);
  if (isProblem(reach)) return refuse("invalid_decision", [reach]);
  const asked = decision.ttl === undefined ? DEFAULT_TTL : parseLease(decision.ttl);
  const ttl = readLease(asked, decision.ttl ?? "", options.caps);
  if (isProblem(ttl)) return refuse("invalid_decision", [ttl]);
  const scope = decision.scope ?? {};
  const exceeded = exceededCaps(decision, options.caps, { everywhere: reach === null, wholeHost: isWholeHost(scope) });
  if (exceeded.length > 0) return refuse("caps_exceeded", exceeded);
  if (origin.time + ttl <= options.now) {
    const late = Math.round((options.now - origin.time) / 1_000);
    const message = `ttl ended before the decision was read: it is ${late}s old`;
    return { ok: false, code: "too_late", message };
  }

  const selector = makeSelector(decision, origin, options.defaultMode);
  const lockout = decision.force === true ? undefined : findLockout(selector);
  if (lockout !== undefined) return refuse("would_lock_out", [lockout]);
  const entry: DesiredEntry = {
    selectors: [selector],
    hooks: [selector.hook],
    ttl,
    renewedAt: new Date(origin.time).toISOString(),
  };
  const nodes = reach ?? [null];
  return {
    ok: true,
    entries: nodes.map((node) => ({ node, id: selector.id, entry })),
    shortened: asked !== undefined && asked > ttl,
  };
}

function makeSelector(decision: Decision, origin: DecisionOrigin, defaultMode: Mode): Selector {
  const { nodes: _nodes, ...scope } = decision.scope ?? {};
  const match = decision.match ?? [];
  const owner = origin.decider === null ? "engine" : `decider:${origin.decider}`;
  const because: Because = { ...decision.because, decision: String(origin.sequence) };
  because.policy ??= origin.policy;
  if (origin.decider !== null) because.decider = origin.decider;
  if (decision.reason !== undefined) because.reason = decision.reason;
  const { action, hook } = decision;
  return {
    id: entryId({ owner, policy: because.policy, action, hook, match, scope }),
    hook,
    action,
    mode: decision.mode ?? defaultMode,
    priority: decision.priority ?? 0,
    rate: null,
    match,
    scope,
    because,
  };
}

function refuse(code: RefusalCode, problems: readonly Problem[]): DecisionPlan {
  return { ok: false, code, message: describeProblems(problems) };
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "allowed" in value && "message" in value;
}
