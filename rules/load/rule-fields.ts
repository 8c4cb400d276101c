import type { Node } from "yaml";
import { SEVERITIES } from "../../bus/types/alert.ts";
import { DURATION_FORM, durationOf } from "../../bus/duration.ts";
import type { PolicyKind } from "../model/kinds.ts";
import { compileCheck } from "../../bus/check.ts";
import { EVENT_SCOPE_SCHEMA } from "../../bus/schemas.ts";
import type { Dedupe, EventScope, Exception } from "../model/rule.ts";
import { readExpression } from "./jsonata-source.ts";
import type { YamlReader } from "./yaml-reader.ts";

/** The fields that a rule has in either language, read with the same words. */

export const ID_FORM = "lower-case letters, digits, - and _, a letter first";

export function readId(reader: YamlReader, node: Node | undefined, what: string): string | undefined {
  const id = reader.string(node, what, ID_FORM);
  if (id === undefined || /^[a-z][a-z0-9_-]*$/.test(id)) return id;
  reader.error(node, `${what} "${id}" is not one`, ID_FORM);
  return undefined;
}

export function readKinds<K extends PolicyKind>(
  reader: YamlReader,
  node: Node | undefined,
  allowed: readonly K[],
): K[] | undefined {
  const items = reader.items(node, "on", allowed.join(", "), true);
  if (items === undefined) return undefined;
  const kinds: K[] = [];
  for (const item of items) {
    const kind = reader.oneOf(item, "event kind", allowed);
    if (kind !== undefined && !kinds.includes(kind)) kinds.push(kind);
  }
  if (items.length === 0) reader.error(node, "on is empty", allowed.join(", "));
  return kinds;
}

const scopeProblems = compileCheck(EVENT_SCOPE_SCHEMA);

/** Where a rule's events come from: `{}` when it does not say, to be spread into the rule. */
export function readScope(reader: YamlReader, node: Node | undefined): { scope?: EventScope } {
  if (node === undefined) return {};
  const scope = reader.plain(node);
  const problems = scopeProblems(scope);
  for (const { path, field, message } of problems) {
    const where = path.length === 0 ? "scope" : `scope.${field}`;
    reader.error(node, `${where}: ${message}`, Object.keys(EVENT_SCOPE_SCHEMA["properties"] as object).join(", "));
  }
  return problems.length === 0 ? { scope: scope as EventScope } : {};
}

export function readSeverity(reader: YamlReader, node: Node | undefined) {
  if (node === undefined) {
    reader.error(undefined, "severity is missing", SEVERITIES.join(", "));
    return undefined;
  }
  return reader.oneOf(node, "severity", SEVERITIES);
}

/** Tags: MITRE ATT&CK techniques and tactics by their ids, anything else as a word of its own. */
export function readTags(reader: YamlReader, node: Node | undefined): string[] {
  if (node === undefined) return [];
  const allowed = "a sequence of tags such as T1059.004, TA0002, container";
  const tags: string[] = [];
  for (const item of reader.items(node, "tags", allowed) ?? []) {
    const tag = reader.string(item, "a tag", allowed);
    if (tag === undefined) continue;
    const wrong = /^t[a]?\d/i.test(tag) ? !/^(T\d{4}(\.\d{3})?|TA\d{4})$/.test(tag) : !/^[A-Za-z][\w.:-]*$/.test(tag);
    if (wrong) reader.error(item, `tag "${tag}" is not one`, "T1059, T1059.004, TA0002, or a word");
    else tags.push(tag);
  }
  return tags;
}

export function readDedupe(reader: YamlReader, node: Node | undefined): Dedupe | null {
  if (node === undefined) return null;
  const map = reader.map(node, "dedupe", ["by", "within"]);
  if (map === undefined) return null;
  const by: string[] = [];
  for (const item of reader.items(map.get("by"), "dedupe.by", "a sequence of fields, [process.binary]", true) ?? []) {
    const field = readExpression(reader, item, "dedupe.by");
    if (field !== undefined) by.push(field);
  }
  const text = reader.string(map.get("within"), "dedupe.within", DURATION_FORM);
  if (!map.has("within")) reader.error(node, "dedupe.within is missing", DURATION_FORM);
  if (text === undefined) return null;
  const within = durationOf(text);
  if (within === null || within < 1000 || within > 86_400_000) {
    reader.error(map.get("within"), `dedupe.within "${text}" is not one`, `${DURATION_FORM}, from 1s to 24h`);
    return null;
  }
  return { by, within };
}

export function readExceptions(reader: YamlReader, node: Node | undefined, file: string): Exception[] {
  if (node === undefined) return [];
  const exceptions: Exception[] = [];
  for (const item of reader.items(node, "exceptions", "a sequence of {name, when}") ?? []) {
    const map = reader.map(item, "an exception", ["name", "when", "comment"]);
    if (map === undefined) continue;
    const exception = readException(reader, item, map, file);
    if (exception === undefined) continue;
    if (exceptions.some((other) => other.name === exception.name)) {
      reader.error(item, `exception "${exception.name}" is there twice`, "names that differ");
    } else exceptions.push(exception);
  }
  return exceptions;
}

export function readException(
  reader: YamlReader,
  item: Node,
  map: Map<string, Node>,
  file: string,
): Exception | undefined {
  if (!map.has("name")) reader.error(item, "the exception has no name", ID_FORM);
  if (!map.has("when")) reader.error(item, "the exception has no when", "a JSONata expression over the event");
  const name = readId(reader, map.get("name"), "name of an exception");
  const when = readExpression(reader, map.get("when"), "when of an exception");
  if (name === undefined || when === undefined) return undefined;
  return { name, when, file, line: reader.lineOf(map.get("when")) };
}
