import { Ajv } from "ajv";
import type { ErrorObject } from "ajv";
import { DURATION_FORM, DURATION_PATTERN } from "./duration.ts";
import { nearest } from "./nearest.ts";
import type { Schema } from "./schemas.ts";

/** One thing wrong with a value. `path` is where, as keys and indexes; `field` the same for people (`scope.container.name`). */
export interface Problem {
  path: string[];
  field: string;
  message: string;
}

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  allowUnionTypes: true,
  strict: true,
  strictRequired: false,
  formats: { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/ },
});

/** Compiles a schema into a function that lists what is wrong with a value; an empty list means that it is right. */
export function compileCheck(schema: Schema): (value: unknown) => Problem[] {
  const validate = ajv.compile(schema);
  return (value) => {
    if (validate(value)) return [];
    return (validate.errors ?? []).map((error) => problemOf(error));
  };
}

/** `scope.container.labels` of a path; `the value` at the root. */
export function fieldName(path: string[]): string {
  if (path.length === 0) return "the value";
  return path.map((part, i) => (/^\d+$/.test(part) ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");
}

function problemOf(error: ErrorObject): Problem {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const params = error.params as Record<string, unknown>;
  const found = shown(error.data);
  const at = (where: string[], message: string): Problem => ({ path: where, field: fieldName(where), message });
  switch (error.keyword) {
    case "additionalProperties": {
      const key = String(params["additionalProperty"]);
      const allowed = Object.keys((error.parentSchema?.["properties"] as object | undefined) ?? {});
      const meant = nearest(key, allowed);
      const hint = meant === null ? `allowed: ${allowed.join(", ")}` : `did you mean ${meant}?`;
      return at([...path, key], `unknown key; ${hint}`);
    }
    case "required":
      return at([...path, String(params["missingProperty"])], "is missing");
    case "type":
      return at(path, `${found} is not allowed; allowed: ${typeNames(params["type"])}`);
    case "enum": {
      const allowed = (params["allowedValues"] as unknown[]).map(String);
      const meant = typeof error.data === "string" ? nearest(error.data, allowed) : null;
      return at(
        path,
        `${found} is not allowed; allowed: ${allowed.join(", ")}${meant === null ? "" : `; did you mean ${meant}?`}`,
      );
    }
    case "const":
      return at(path, `${found} is not allowed; allowed: ${JSON.stringify(params["allowedValue"])}`);
    case "pattern": {
      const pattern = String(params["pattern"]);
      const form = pattern === DURATION_PATTERN ? DURATION_FORM : `text of the form ${pattern}`;
      return at(path, `${found} is not allowed; allowed: ${form}`);
    }
    case "minimum":
    case "maximum":
    case "exclusiveMinimum":
    case "exclusiveMaximum": {
      const { minimum, maximum } = (error.parentSchema ?? {}) as { minimum?: number; maximum?: number };
      if (minimum !== undefined && maximum !== undefined) {
        return at(path, `${found} is not allowed; allowed: a number from ${minimum} to ${maximum}`);
      }
      return at(path, `${found} is not allowed; allowed: a number ${params["comparison"]} ${params["limit"]}`);
    }
    case "format":
      return at(path, `${found} is not allowed; allowed: ${params["format"]}`);
    default:
      return at(path, `${found} is not allowed: ${error.message ?? error.keyword}`);
  }
}

const TYPE_NAMES: Record<string, string> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  null: "null",
};

function typeNames(types: unknown): string {
  const names = (Array.isArray(types) ? types : String(types).split(",")) as string[];
  return names.map((name) => TYPE_NAMES[name] ?? name).join(" or ");
}

/** A value as error texts show it: JSON, cut at 60 characters. */
export function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}
