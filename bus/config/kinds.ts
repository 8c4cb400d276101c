import { DURATION_PATTERN, formatDuration, parseDuration } from "../duration.ts";
import type { Schema } from "../schemas.ts";
import { SCOPE_SCHEMA } from "../schemas.ts";
import { formatSize, parseSize, SIZE_PATTERN } from "../size.ts";
import type { Scope } from "../types/selector.ts";

/**
 * How one kind of setting is written and read. `schema` describes the written form (YAML), `read` makes the value that
 * programs see (only called with what the schema takes), `write` turns it back, `fromText` reads a variable or flag.
 */
export interface Setting<T> {
  type: string;
  schema: Schema;
  help: string;
  /** Written form; null when it depends on other settings (see `derive.ts`), `defaultText` then says how. */
  fallback: unknown;
  defaultText?: string;
  /** The values are paths: relative ones belong to the directory of the file, or the current one. */
  paths?: true;
  read(written: unknown): T;
  write(value: T): unknown;
  fromText(text: string): unknown;
}

const same = {
  read: (written: unknown): never => written as never,
  write: (value: unknown): unknown => value,
};

export function text(
  fallback: string | null,
  help: string,
  more: { defaultText?: string; paths?: true; pattern?: string } = {},
): Setting<string> {
  const { pattern, ...rest } = more;
  const schema = { type: "string", ...(pattern === undefined ? {} : { pattern }) };
  return { type: "text", schema, help, fallback, ...rest, ...same, fromText: (it) => it };
}

export function integer(fallback: number, range: [number, number], help: string): Setting<number> {
  const schema = { type: "integer", minimum: range[0], maximum: range[1] };
  const type = `whole number, ${range[0]} to ${range[1]}`;
  return { type, schema, help, fallback, ...same, fromText: (it) => (/^-?\d+$/.test(it.trim()) ? Number(it) : it) };
}

export function toggle(fallback: boolean, help: string): Setting<boolean> {
  const words: Record<string, boolean> = {
    true: true,
    1: true,
    yes: true,
    on: true,
    false: false,
    0: false,
    no: false,
    off: false,
  };
  return {
    type: "true or false",
    schema: { type: "boolean" },
    help,
    fallback,
    ...same,
    fromText: (it) => words[it.trim().toLowerCase()] ?? it,
  };
}

export function choice<T extends string>(fallback: T, values: readonly T[], help: string): Setting<T> {
  return { type: values.join(", "), schema: { enum: [...values] }, help, fallback, ...same, fromText: (it) => it };
}

export function duration(fallback: string, help: string): Setting<number> {
  return {
    type: "duration",
    schema: { type: "string", pattern: DURATION_PATTERN },
    help,
    fallback,
    read: (written) => parseDuration(written as string),
    write: (value) => formatDuration(value),
    fromText: (it) => it.trim(),
  };
}

export function size(fallback: string, help: string): Setting<number> {
  return {
    type: "size",
    schema: { type: ["string", "integer"], pattern: SIZE_PATTERN, minimum: 0 },
    help,
    fallback,
    read: (written) => (typeof written === "number" ? written : parseSize(written as string)),
    write: (value) => formatSize(value),
    fromText: (it) => it.trim(),
  };
}

export function textList(
  fallback: string[] | null,
  help: string,
  more: { defaultText?: string; paths?: true; item?: Schema } = {},
): Setting<string[]> {
  const { item, ...rest } = more;
  const schema = { type: "array", items: item ?? { type: "string", minLength: 1 } };
  const fromText = (it: string): unknown =>
    it.trim().startsWith("[") ? parsed(it) : it === "" ? [] : it.split(",").map((part) => part.trim());
  return { type: "list of text", schema, help, fallback, ...rest, ...same, fromText };
}

export function scopes(help: string): Setting<Scope[]> {
  return {
    type: "list of scopes",
    schema: { type: "array", items: SCOPE_SCHEMA },
    help,
    fallback: [],
    ...same,
    fromText: parsed,
  };
}

/** A map of names to closed maps; `read` fills in what an entry leaves out. */
export function namedMap<T extends object>(
  entry: { [K in keyof T]: Setting<T[K]> },
  help: string,
): Setting<Record<string, T>> {
  const fields = Object.entries<Setting<unknown>>(entry as Record<string, Setting<unknown>>);
  const properties = Object.fromEntries(
    fields.map(([name, it]) => [name, { ...it.schema, description: it.help, default: it.fallback }]),
  );
  const each = (from: object, use: (it: Setting<unknown>, value: unknown) => unknown): Record<string, unknown> =>
    Object.fromEntries(fields.map(([name, it]) => [name, use(it, (from as Record<string, unknown>)[name])]));
  const all = (
    map: unknown,
    use: (it: Setting<unknown>, value: unknown) => unknown,
  ): Record<string, Record<string, unknown>> =>
    Object.fromEntries(Object.entries(map as Record<string, object>).map(([name, from]) => [name, each(from, use)]));
  return {
    type: `map of name to {${fields.map(([name]) => name).join(", ")}}`,
    schema: {
      type: "object",
      propertyNames: { pattern: "^[A-Za-z0-9_-]+$" },
      additionalProperties: { type: "object", additionalProperties: false, properties },
    },
    help,
    fallback: {},
    read: (written) => all(written, (it, value) => it.read(value ?? it.fallback)) as Record<string, T>,
    write: (value) => all(value, (it, inner) => it.write(inner)),
    fromText: parsed,
  };
}

function parsed(it: string): unknown {
  try {
    return JSON.parse(it) as unknown;
  } catch {
    return it;
  }
}
