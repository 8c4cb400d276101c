import type { EventKind } from "../../bus/generated/events.ts";
import { schemaOf, step } from "../lint/event-schema.ts";
import type { Schema } from "../lint/event-schema.ts";
import { ELEMENT } from "../../bus/formula/verify.ts";

/** The JSON types that a field may have; null where the schema does not know it. */
export type TypesOf = (path: readonly string[]) => ReadonlySet<string> | null;

/** The types of the fields of a kind of event, by its schema. */
export function typesOfKind(kind: EventKind): TypesOf {
  return (path) => {
    let at: Schema | null = schemaOf(kind);
    for (const name of path) {
      if (at === null) return null;
      if (name === ELEMENT) at = itemsOf(at);
      else {
        const next = step(at, name);
        at = "unknown" in next ? null : next.schema;
      }
    }
    return at === null ? null : new Set(typesIn(at));
  };
}

function itemsOf(schema: Schema): Schema | null {
  const branches = schema.anyOf ?? schema.oneOf ?? [schema];
  const items = branches.map((branch) => branch.items).filter((it) => it !== undefined);
  return items.length === 0 ? null : { anyOf: items };
}

function typesIn(schema: Schema): string[] {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return branches.flatMap(typesIn);
  return Array.isArray(schema.type)
    ? schema.type
    : schema.type === undefined
      ? ["string", "number", "boolean", "null", "array", "object"]
      : [schema.type];
}
