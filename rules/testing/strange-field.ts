import type { EventKind } from "../../bus/generated/events.ts";
import { schemaOf, step } from "../lint/event-schema.ts";
import type { Schema } from "../lint/event-schema.ts";

/** A field that no event of the kind has, and those that there are in its place. */
export interface StrangeField {
  path: string;
  name: string;
  names: string[];
}

/**
 * The first field of a test's event that no event of its kind has: a slip of the pen there would make the rule find nothing,
 * which may be what the test expects.
 */
export function strangeField(kind: EventKind, given: Record<string, unknown>): StrangeField | null {
  return look(schemaOf(kind), given, "");
}

function look(schema: Schema, value: unknown, path: string): StrangeField | null {
  if (Array.isArray(value)) return first(value, (item) => look(schema, item, path));
  if (typeof value !== "object" || value === null) return null;
  return first(Object.entries(value), ([name, inner]) => {
    const next = step(schema, name);
    if (!("unknown" in next)) return next.schema === null ? null : look(next.schema, inner, `${path}${name}.`);
    return next.unknown.length === 0 ? null : { path: path.slice(0, -1), name, names: next.unknown };
  });
}

function first<T>(items: readonly T[], of: (item: T) => StrangeField | null): StrangeField | null {
  for (const item of items) {
    const found = of(item);
    if (found !== null) return found;
  }
  return null;
}
