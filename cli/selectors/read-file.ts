import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { CliError } from "../errors.ts";
import { EXIT } from "../exit.ts";

/**
 * Selectors of a YAML or JSON file: one, a list, `{selectors: [...]}`, or several documents. What a selector may hold is
 * checked by the controller. Throws with code `usage`, naming file and line.
 */
export function readSelectors(file: string): unknown[] {
  const name = file === "-" ? "standard input" : file;
  const wrong = (message: string, cause?: unknown): CliError =>
    new CliError("usage", `${name}: ${message}`, { exit: EXIT.usage, cause });
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (cause) {
    throw wrong((cause as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (cause as Error).message, cause);
  }
  const found: unknown[] = [];
  const documents = parseAllDocuments(text);
  for (const document of Array.isArray(documents) ? documents : []) {
    const error = document.errors[0];
    if (error) throw wrong(`line ${error.linePos?.[0].line ?? "?"}: ${error.message.split("\n")[0]}`, error);
    const value: unknown = document.toJS();
    const inner = isObject(value) && Array.isArray(value["selectors"]) ? value["selectors"] : value;
    if (inner === null || inner === undefined) continue;
    found.push(...(Array.isArray(inner) ? inner : [inner]));
  }
  if (found.length === 0) throw wrong("holds no selector (allowed: one, a list, or {selectors: [...]})");
  const bad = found.findIndex((selector) => !isObject(selector));
  if (bad >= 0)
    throw wrong(`selector ${bad + 1} is ${JSON.stringify(found[bad])}, not {hook, action, match, scope, ...}`);
  return found;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
