import { createRequire } from "node:module";
import type Ajv from "ajv";
import schema from "../../bus/generated/events.schema.json" with { type: "json" };
import { EVENT_KINDS } from "../../bus/generated/events.ts";
import type { Event } from "../../bus/generated/events.ts";
import { parseEventId } from "../../bus/ids.ts";

// ajv is CommonJS: as a default import its class is hidden in a namespace.
const AjvClass = (createRequire(import.meta.url)("ajv") as { Ajv: typeof Ajv.default }).Ajv;
const ajv = new AjvClass({ strict: false, validateFormats: false });
ajv.addSchema(open(structuredClone(schema)), "events");
const validators = new Map(
  EVENT_KINDS.map((kind) => [kind as string, ajv.getSchema(`events#/definitions/${definitionOf(kind)}`)!]),
);

/** Why an event was refused; stable, for counters. */
export type RefusedCode =
  | "not_json"
  | "not_event"
  | "kind_mismatch"
  | "node_mismatch"
  | "bad_id"
  | "bad_time"
  | "schema";

export interface Refused {
  code: RefusedCode;
  reason: string;
}

/** Where the message came from, which is what counts: the payload must agree with it. */
export interface EventOrigin {
  kind: string;
  node: string;
}

/** What is wrong with a value that should be an event of that kind and node, or null. Fields that we do not know are let pass. */
export function checkEvent(value: unknown, origin: EventOrigin): Refused | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { code: "not_event", reason: "is no JSON object" };
  }
  const event = value as Partial<Event>;
  if (event.kind !== origin.kind) {
    return { code: "kind_mismatch", reason: `kind is ${shown(event.kind)}, its subject says "${origin.kind}"` };
  }
  if (event.node !== origin.node) {
    return { code: "node_mismatch", reason: `node is ${shown(event.node)}, its subject says "${origin.node}"` };
  }
  const id = typeof event.id === "string" ? parseEventId(event.id) : null;
  if (id === null || id.kind !== origin.kind || id.node !== origin.node) {
    return {
      code: "bad_id",
      reason: `id is ${shown(event.id)}, not <node>/<boot>/<epoch>/<kind>/<seq> of its subject`,
    };
  }
  if (typeof event.time !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(event.time)) {
    return { code: "bad_time", reason: `time is ${shown(event.time)}, not RFC 3339 in UTC` };
  }
  const validate = validators.get(origin.kind);
  if (validate === undefined) return { code: "schema", reason: `no such kind of event: "${origin.kind}"` };
  if (validate(event) === true) return null;
  const error = validate.errors?.[0];
  return {
    code: "schema",
    reason: `${error?.instancePath.slice(1).replaceAll("/", ".") || "event"} ${error?.message}`,
  };
}

function shown(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value).slice(0, 200);
}

function definitionOf(kind: string): string {
  return `${kind.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())}Event`;
}

/** The schema without `additionalProperties: false`: an agent newer than this engine may say more. */
function open<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  const object = value as Record<string, unknown>;
  if (object["additionalProperties"] === false) delete object["additionalProperties"];
  for (const inner of Object.values(object)) open(inner);
  return value;
}
