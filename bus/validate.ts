import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compileCheck, type Problem } from "./check.ts";
import { parseDuration } from "./duration.ts";
import { BusError } from "./errors.ts";
import type { Event } from "./generated/events.ts";
import * as schemas from "./schemas.ts";
import type { Alert } from "./types/alert.ts";
import type { Decision } from "./types/decision.ts";
import type { DesiredEntry } from "./types/desired.ts";
import type { RuleSetInfo } from "./types/rule-set.ts";
import type { Selector } from "./types/selector.ts";

export type { Problem } from "./check.ts";

const decision = compileCheck(schemas.DECISION_SCHEMA);
const selector = compileCheck(schemas.SELECTOR_SCHEMA);
const desired = compileCheck(schemas.DESIRED_SCHEMA);
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

export function validateRuleSetInfo(value: unknown): RuleSetInfo {
  return accept("rule set info", value, ruleSet(value)) as RuleSetInfo;
}

export function validateAlert(value: unknown): Alert {
  return accept("alert", value, alert(value)) as Alert;
}

/** The envelope and, for a kind that the generated schema describes, the whole event. */
export function validateEvent(value: unknown): Event {
  const problems = envelope(value);
  return accept("event", value, problems.length > 0 ? problems : (eventCheck()?.(value) ?? [])) as Event;
}

let events: ((value: unknown) => Problem[]) | null | undefined;

function eventCheck(): ((value: unknown) => Problem[]) | null {
  if (events !== undefined) return events;
  const file = fileURLToPath(new URL("generated/events.schema.json", import.meta.url));
  events = existsSync(file) ? compileCheck(JSON.parse(readFileSync(file, "utf8")) as schemas.Schema) : null;
  return events;
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
