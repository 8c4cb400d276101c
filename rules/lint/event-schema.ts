import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EventKind } from "../../bus/generated/events.ts";
import { SCHEMAS } from "../paths.ts";

/** The part of JSON Schema that the generated event schemas use. */
export interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

const loaded = new Map<string, Schema>();

/** The schema of a kind of event, or of `alert`: the same files that `opa check -s rego/schemas` reads. */
export function schemaOf(kind: EventKind | "alert"): Schema {
  let schema = loaded.get(kind);
  if (schema === undefined) {
    schema = JSON.parse(readFileSync(join(SCHEMAS, `${kind}.json`), "utf8")) as Schema;
    loaded.set(kind, schema);
  }
  return schema;
}

/** Where a step of a path leads: the schema there, whether it may be missing, or the names that exist instead. */
export type Step = { schema: Schema | null; optional: boolean } | { unknown: string[] };

/** One step of a path. A JSONata path maps over arrays, so the step is taken in their items. */
export function step(from: Schema, name: string): Step {
  const branches = flatten(from);
  const nullable = branches.some((branch) => hasType(branch, "null"));
  const objects = branches.filter((branch) => branch.properties !== undefined || hasType(branch, "object"));
  if (objects.length === 0)
    return branches.length > 0 && !nullable ? { unknown: [] } : { schema: null, optional: true };
  const found = objects.map((object) => object.properties?.[name]).filter((property) => property !== undefined);
  if (found.length === 0) {
    const open = objects.some((object) => object.additionalProperties !== false);
    if (open) return { schema: null, optional: true };
    return { unknown: [...new Set(objects.flatMap((object) => Object.keys(object.properties ?? {})))] };
  }
  const inAll = objects.every((object) => object.required?.includes(name) ?? false);
  return {
    schema: found.length === 1 ? found[0]! : { anyOf: found },
    optional: nullable || !inAll || isArray(from),
  };
}

/** The alternatives of a schema, an array standing for its items. */
function flatten(schema: Schema): Schema[] {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return alternatives.flatMap(flatten);
  return schema.items === undefined ? [schema] : flatten(schema.items);
}

/** Whether a value may be a list: empty ones make a path undefined. */
export function isArray(schema: Schema): boolean {
  const alternatives = schema.anyOf ?? schema.oneOf;
  return alternatives === undefined ? schema.items !== undefined : alternatives.some(isArray);
}

function hasType(schema: Schema, type: string): boolean {
  return Array.isArray(schema.type) ? schema.type.includes(type) : schema.type === type;
}
