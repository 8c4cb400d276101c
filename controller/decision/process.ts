import { desiredKey, parseDecisionSubject } from "../../bus/subjects.ts";
import type { DesiredEntry } from "../../bus/types/desired.ts";
import type { Mode } from "../../bus/types/selector.ts";
import type { Counters } from "../counters.ts";
import { ownerOf } from "../desired/live.ts";
import type { DesiredWriter } from "../desired/writer.ts";
import { messageOf } from "../errors.ts";
import type { DecisionMessage } from "../port.ts";
import { type DeciderCaps, ENGINE_CAPS } from "./caps.ts";
import { type DecisionOrigin, type PlannedEntry, planDecision } from "./entry.ts";
import type { Refusals } from "./refusals.ts";

export const MAX_DECISION_BYTES = 256 * 1024;
/** A bus or bucket that fails is tried again after this long, then after longer; a decision is never dropped for it. */
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export interface DecisionOptions {
  writer: DesiredWriter;
  counters: Counters;
  refusals: Refusals;
  capsOf: (decider: string) => DeciderCaps;
  /** Mode of a decision that names none. */
  defaultMode: Mode;
  now: () => number;
}

export type Outcome =
  | { kind: "accepted" | "renewed" | "repeated"; keys: string[]; shortened: boolean }
  | { kind: "refused"; code: string; message: string }
  | { kind: "retry"; message: string };

/**
 * Takes one decision into the desired state and ends its message: acked when it is written (or was already), never
 * delivered again when it is refused, later again when the bus failed.
 */
export async function processDecision(message: DecisionMessage, options: DecisionOptions): Promise<Outcome> {
  const { counters } = options;
  const address = parseDecisionSubject(message.subject);
  const origin: DecisionOrigin = {
    policy: address?.policy ?? message.subject,
    decider: address?.decider ?? null,
    sequence: message.sequence,
    time: message.time,
  };
  let outcome: Outcome;
  try {
    outcome = await takeDecision(message, origin, options);
  } catch (cause) {
    counters.add("decisions_retried");
    message.nak(Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** (message.deliveries - 1)));
    return { kind: "retry", message: messageOf(cause) };
  }
  if (outcome.kind === "refused") {
    const { code, message: text } = outcome;
    const { policy, decider, sequence } = origin;
    options.refusals.add({
      time: new Date(options.now()).toISOString(),
      sequence,
      policy,
      decider,
      code,
      message: text,
    });
    message.term(`${code}: ${text}`.slice(0, 200));
    return outcome;
  }
  counters.add(`decisions_${outcome.kind}`);
  if (outcome.kind !== "retry" && outcome.shortened) counters.add("leases_shortened");
  message.ack();
  return outcome;
}

async function takeDecision(
  message: DecisionMessage,
  origin: DecisionOrigin,
  options: DecisionOptions,
): Promise<Outcome> {
  const value = parseJson(message.data);
  if (value instanceof Error) return { kind: "refused", code: "malformed", message: value.message };
  const caps = origin.decider === null ? ENGINE_CAPS : options.capsOf(origin.decider);
  const plan = planDecision(value, origin, { caps, defaultMode: options.defaultMode, now: options.now() });
  if (!plan.ok) return { kind: "refused", code: plan.code, message: plan.message };
  const full = findFull(plan.entries, caps, options.writer);
  if (full !== undefined) return { kind: "refused", code: "too_many", message: full };

  const done = { accepted: 0, renewed: 0 };
  const keys: string[] = [];
  for (const planned of plan.entries) {
    const key = desiredKey(planned.id, planned.node);
    let found = false;
    const revision = await options.writer.put(key, (present) => {
      found = present !== undefined;
      return renew(present, planned.entry, origin);
    });
    if (revision !== null) done[found ? "renewed" : "accepted"] += 1;
    keys.push(key);
  }
  const kind = done.accepted > 0 ? "accepted" : done.renewed > 0 ? "renewed" : "repeated";
  return { kind, keys, shortened: plan.shortened };
}

/** The entry to write over `present`; null when `present` is this very decision, or a later one. */
export function renew(
  present: DesiredEntry | undefined,
  next: DesiredEntry,
  origin: Pick<DecisionOrigin, "sequence" | "time">,
): DesiredEntry | null {
  if (present === undefined) return next;
  const before = Date.parse(present.renewedAt);
  if (Number.isNaN(before)) return next;
  // A stream that was made anew counts from 1 again: only both together say that this was here before.
  const sequence = Number(present.selectors[0]?.because.decision ?? 0);
  if (origin.time <= before && origin.sequence <= sequence) return null;
  // Agents see a renewal by its new time, also when the clock stood still or was set back.
  return origin.time > before ? next : { ...next, renewedAt: new Date(before + 1).toISOString() };
}

function findFull(entries: readonly PlannedEntry[], caps: DeciderCaps, writer: DesiredWriter): string | undefined {
  const added = entries.filter(({ id, node }) => writer.live.get(desiredKey(id, node)) === undefined);
  const owner = entries[0] === undefined ? "" : ownerOf(entries[0].entry);
  if (added.length === 0 || writer.live.countOf(owner) + added.length <= caps.maxEntries) return undefined;
  return `${owner} has ${writer.live.countOf(owner)} entries in force (allowed: ${caps.maxEntries}; they end by themselves)`;
}

function parseJson(data: Uint8Array): unknown {
  if (data.byteLength > MAX_DECISION_BYTES) {
    return new Error(`has ${data.byteLength} bytes (allowed: at most ${MAX_DECISION_BYTES})`);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data)) as unknown;
  } catch (cause) {
    return new Error(`is no JSON: ${messageOf(cause)} (allowed: one object as UTF-8)`);
  }
}
