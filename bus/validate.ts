import { readFileSync } from "node:fs";
import { compileCheck, shown, type Problem } from "./check.ts";
import { parseDuration } from "./duration.ts";
import { BusError } from "./errors.ts";
import type { Event } from "./generated/events.ts";
import * as schemas from "./schemas.ts";
import type { Alert } from "./types/alert.ts";
import type { Decision } from "./types/decision.ts";
import type { Demand } from "./types/demand.ts";
import type { DesiredEntry } from "./types/desired.ts";
import type { RuleSetInfo } from "./types/rule-set.ts";
import type { Selector } from "./types/selector.ts";

export type { Problem } from "./check.ts";

const decision = compileCheck(schemas.DECISION_SCHEMA);
const selector = compileCheck(schemas.SELECTOR_SCHEMA);
const desired = compileCheck(schemas.DESIRED_SCHEMA);
const demand = compileCheck(schemas.DEMAND_SCHEMA);
const ruleSet = compileCheck(schemas.RULE_SET_SCHEMA);
const alert = compileCheck(schemas.ALERT_SCHEMA);
const envelope = compileCheck(schemas.EVENT_SCHEMA);

/*
 * Each function returns its argument, typed, or throws BusError `invalid` whose message names every field, what was
 * wrong with it and what is allowed; `detail` is the list of Problem.
 */

/** A decision; its `ttl`, when given, is at least one second. */
export function validateDecision(value: unknown): Decision {
  const problems = decision(value);
  const ttl = (value as Decision | null)?.ttl;
  if (problems.length === 0 && ttl !== undefined && parseDuration(ttl) < 1000) {
    problems.push({ path: ["ttl"], field: "ttl", message: `"${ttl}" is not allowed; allowed: at least 1s` });
  }
  return accept("decision", value, problems) as Decision;
}

export function validateSelector(value: unknown): Selector {
  return accept("selector", value, selector(value)) as Selector;
}

export function validateDesiredEntry(value: unknown): DesiredEntry {
  return accept("desired entry", value, desired(value)) as DesiredEntry;
}

export function validateDemand(value: unknown): Demand {
  return accept("demand", value, demand(value)) as Demand;
}

export function validateRuleSetInfo(value: unknown): RuleSetInfo {
  return accept("rule set info", value, ruleSet(value)) as RuleSetInfo;
}

export function validateAlert(value: unknown): Alert {
  return accept("alert", value, alert(value)) as Alert;
}

/** An event of a known kind, whole. */
export function validateEvent(value: unknown): Event {
  const problems = envelope(value);
  if (problems.length > 0) return accept("event", value, problems) as Event;
  const checks = (eventChecks ??= readEventChecks());
  const { kind } = value as Event;
  const check = checks.get(kind);
  if (check !== undefined) return accept(`${kind} event`, value, check(value)) as Event;
  const message = `${shown(kind)} is not allowed; allowed: ${[...checks.keys()].join(", ")}`;
  return accept("event", value, [{ path: ["kind"], field: "kind", message }]) as Event;
}

let eventChecks: Map<string, (value: unknown) => Problem[]> | undefined;

/** A check for each kind: one schema of its own, not a choice among all, so that the problems are those of the kind. */
function readEventChecks(): Map<string, (value: unknown) => Problem[]> {
  const file = new URL("generated/events.schema.json", import.meta.url);
  const { definitions } = JSON.parse(readFileSync(file, "utf8")) as { definitions: Record<string, schemas.Schema> };
  const checks = new Map<string, (value: unknown) => Problem[]>();
  for (const [name, definition] of Object.entries(definitions)) {
    const { kind } = (definition["properties"] ?? {}) as { kind?: { enum?: string[] } };
    const check = kind?.enum === undefined ? null : compileCheck({ definitions, $ref: `#/definitions/${name}` });
    if (check !== null) for (const it of kind?.enum ?? []) checks.set(it, check);
  }
  return checks;
}

function accept(what: string, value: unknown, problems: Problem[]): unknown {
  if (problems.length === 0) return value;
  const texts = problems.map((problem) => `${problem.field}: ${problem.message}`);
  throw new BusError("invalid", `bad ${what}: ${texts.join("; ")}`, { detail: problems });
}

/** JSON of a payload. @throws {BusError} `invalid` when it is none. */
export function parseJson(data: Uint8Array | string, what: string): unknown {
  try {
    return JSON.parse(
      typeof data === "string" ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString(),
    );
  } catch (cause) {
    throw new BusError("invalid", `bad ${what}: not JSON (${(cause as Error).message})`, { cause });
  }
}
