import { ACTIONS, HOOKS, MODES, type Selector } from "../../bus/types/selector.ts";
import { MIN_TTL } from "../decision/caps.ts";
import { entryId } from "../decision/identity.ts";
import { readPredicates } from "../decision/predicates.ts";
import { MAX_PRIORITY } from "../decision/read.ts";
import type { Reader } from "../decision/reader.ts";
import { readScope } from "../decision/scope.ts";
import { DISARM_ID } from "../desired/live.ts";
import { parseLease } from "../lease-text.ts";
import { quote } from "../problems.ts";
import { findLockout } from "../safety/check.ts";

const MAX_SELECTORS = 20_000;
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const SELECTOR_KEYS = ["id", "hook", "action", "mode", "priority", "rate", "match", "scope", "reason", "because"];

/** A selector with the nodes that it was asked for, null for all. */
export interface AskedSelector {
  selector: Selector;
  nodes: string[] | null;
}

export interface SelectorsRequest {
  selectors: AskedSelector[];
  /** Milliseconds. */
  ttl: number | "none";
}

export const ADD_KEYS = ["selectors", "ttl", "force", "reason", "person"] as const;

/**
 * A request to add selectors. What is left out: mode enforce (who adds a selector by hand means it), priority 0, all
 * nodes, no end.
 */
export function readSelectorsRequest(reader: Reader, object: Record<string, unknown>): SelectorsRequest {
  const force = object["force"] === undefined ? false : (reader.boolean("force", object["force"]) ?? false);
  const reason = object["reason"] === undefined ? undefined : reader.text("reason", object["reason"], 1_000);
  const person = object["person"] === undefined ? "operator" : reader.text("person", object["person"], 100);
  const because = { person: person ?? "operator", ...(reason === undefined ? {} : { reason }) };
  const selectors: AskedSelector[] = [];
  for (const [index, item] of (reader.list("selectors", object["selectors"], MAX_SELECTORS) ?? []).entries()) {
    const before = reader.problems.length;
    const asked = readSelector(reader, `selectors[${index}]`, item, because);
    if (asked === undefined || reader.problems.length > before) continue;
    const lockout = force ? undefined : findLockout(asked.selector);
    if (lockout !== undefined) {
      reader.wrong(`selectors[${index}].${lockout.field}`, lockout.message, lockout.allowed);
    } else selectors.push(asked);
  }
  checkUnique(reader, selectors);
  return { selectors, ttl: readTtl(reader, object["ttl"]) };
}

function readTtl(reader: Reader, value: unknown): number | "none" {
  if (value === undefined || value === null || value === "none") return "none";
  const ttl = typeof value === "string" ? parseLease(value) : undefined;
  if (ttl !== undefined && ttl >= MIN_TTL) return ttl;
  reader.wrong("ttl", `is ${quote(value)}`, 'a duration of at least 1s, as "10m" or "1h30m", or "none"');
  return "none";
}

function readSelector(
  reader: Reader,
  path: string,
  value: unknown,
  because: { person: string; reason?: string },
): AskedSelector | undefined {
  const object = reader.object(path, value, SELECTOR_KEYS);
  if (object === undefined) return undefined;
  const hook = reader.oneOf(`${path}.hook`, object["hook"], HOOKS);
  const action = reader.oneOf(`${path}.action`, object["action"], ACTIONS);
  const match = readPredicates(reader, `${path}.match`, object["match"], hook);
  const { nodes, ...scope } = readScope(reader, `${path}.scope`, object["scope"]);
  const mode = object["mode"] === undefined ? "enforce" : reader.oneOf(`${path}.mode`, object["mode"], MODES);
  const priority =
    object["priority"] === undefined
      ? 0
      : reader.integer(`${path}.priority`, object["priority"], -MAX_PRIORITY, MAX_PRIORITY);
  const rate =
    object["rate"] === undefined || object["rate"] === null
      ? null
      : reader.integer(`${path}.rate`, object["rate"], 1, 1_000_000);
  const reason =
    object["reason"] === undefined ? because.reason : reader.text(`${path}.reason`, object["reason"], 1_000);
  const given = object["id"] === undefined ? undefined : readId(reader, `${path}.id`, object["id"]);
  if (hook === undefined || action === undefined || mode === undefined || priority === undefined) return undefined;
  const id = given ?? entryId({ owner: "person", policy: `${action}-${hook}`, action, hook, match, scope });
  return {
    selector: {
      ...{ id, hook, action, mode, priority, rate: rate ?? null, match, scope },
      because: { person: because.person, ...(reason === undefined ? {} : { reason }) },
    },
    nodes: nodes === undefined || nodes.includes("*") ? null : [...new Set(nodes)],
  };
}

function readId(reader: Reader, field: string, value: unknown): string | undefined {
  if (typeof value === "string" && ID.test(value) && value !== DISARM_ID) return value;
  return reader.wrong(field, `is ${quote(value)}`, `1 to 64 letters, digits, ".", "_" and "-", not "${DISARM_ID}"`);
}

function checkUnique(reader: Reader, selectors: readonly AskedSelector[]): void {
  const seen = new Set<string>();
  for (const { selector } of selectors) {
    if (seen.has(selector.id)) {
      reader.wrong("selectors", `name ${quote(selector.id)} twice`, "each id, and each selector without an id, once");
    }
    seen.add(selector.id);
  }
}
