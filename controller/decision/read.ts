import type { Decision } from "../../bus/types/decision.ts";
import { type Because, HOOKS, MODES } from "../../bus/types/selector.ts";
import type { Read } from "../problems.ts";
import { readPredicates } from "./predicates.ts";
import { assign, Reader } from "./reader.ts";
import { readScope } from "./scope.ts";

export const MAX_PRIORITY = 1_000;
const MAX_REASON = 1_000;
const DECISION_ACTIONS = ["deny", "kill", "signal"] as const;
const DECISION_KEYS = [
  "action",
  "hook",
  "match",
  "scope",
  "ttl",
  "mode",
  "priority",
  "fleet",
  "force",
  "reason",
  "because",
] as const;
const BECAUSE_TEXTS = ["policy", "ruleset", "decision", "alert", "event", "reason"] as const;

/** A decision out of untrusted JSON, or all that is wrong with it. */
export function readDecision(value: unknown): Read<Decision> {
  const reader = new Reader();
  const object = reader.object("", value, DECISION_KEYS);
  if (object === undefined) return { ok: false, problems: reader.problems };
  const action = reader.oneOf("action", object["action"], DECISION_ACTIONS);
  const hook = reader.oneOf("hook", object["hook"], HOOKS);
  const match = readPredicates(reader, "match", object["match"], hook);
  const scope = readScope(reader, "scope", object["scope"]);
  const options: Partial<Decision> = {};
  if (object["ttl"] !== undefined) assign(options, "ttl", reader.text("ttl", object["ttl"], 32));
  if (object["mode"] !== undefined) assign(options, "mode", reader.oneOf("mode", object["mode"], MODES));
  if (object["priority"] !== undefined) {
    assign(options, "priority", reader.integer("priority", object["priority"], -MAX_PRIORITY, MAX_PRIORITY));
  }
  for (const key of ["fleet", "force"] as const) {
    if (object[key] !== undefined) assign(options, key, reader.boolean(key, object[key]));
  }
  if (object["reason"] !== undefined) assign(options, "reason", reader.text("reason", object["reason"], MAX_REASON));
  if (object["because"] !== undefined) assign(options, "because", readBecause(reader, object["because"]));
  if (reader.problems.length > 0 || action === undefined || hook === undefined) {
    return { ok: false, problems: reader.problems };
  }
  return { ok: true, value: { action, hook, match, scope, ...options } };
}

/** What the sender says of the cause. `person` and `decider` are not the sender's to say: the bus proves who it was. */
function readBecause(reader: Reader, value: unknown): Because | undefined {
  const object = reader.object("because", value, [...BECAUSE_TEXTS, "events", "person", "decider"]);
  if (object === undefined) return undefined;
  const because: Because = {};
  for (const key of BECAUSE_TEXTS) {
    if (object[key] === undefined || object[key] === null) continue;
    assign(because, key, reader.text(`because.${key}`, object[key], MAX_REASON));
  }
  if (object["events"] !== undefined) {
    const events = reader.list("because.events", object["events"], 100) ?? [];
    because.events = events.flatMap((id, index) => reader.text(`because.events[${index}]`, id, MAX_REASON) ?? []);
  }
  return because;
}
