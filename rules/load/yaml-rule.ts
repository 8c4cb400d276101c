import { EVENT_KINDS } from "../../bus/generated/events.ts";
import type { JsonataRule } from "../model/rule.ts";
import type { SourceFile } from "./files.ts";
import { readExpression, readTemplate } from "./jsonata-source.ts";
import type { Problems } from "./problems.ts";
import {
  readDedupe,
  readExceptions,
  readFlag,
  readId,
  readKinds,
  readScope,
  readSeverity,
  readTags,
} from "./rule-fields.ts";
import { readYaml } from "./yaml-reader.ts";
import type { YamlReader } from "./yaml-reader.ts";

export const RULE_KEYS = [
  "id",
  "title",
  "description",
  "on",
  "scope",
  "when",
  "severity",
  "tags",
  "message",
  "dedupe",
  "exceptions",
  "unindexed",
] as const;

/** A rule and where each of its expressions stands, for the lint. */
export interface LoadedYamlRule {
  rule: JsonataRule;
  reader: YamlReader;
  lines: { when: number; message: number; dedupe: number };
}

/** The rules of a YAML file, one a document. Those that are not sound become problems. */
export function readYamlRules(source: SourceFile, problems: Problems): LoadedYamlRule[] {
  const rules: LoadedYamlRule[] = [];
  for (const reader of readYaml(source.file, source.text, problems)) {
    if (isKubernetes(reader)) {
      problems.warn(reader.place(), "is a Kubernetes object, not a rule: it is passed over", RULE_KEYS.join(", "));
      continue;
    }
    const rule = readRule(source, reader);
    if (rule !== undefined) rules.push(rule);
  }
  return rules;
}

function readRule(source: SourceFile, reader: YamlReader): LoadedYamlRule | undefined {
  const map = reader.map(reader.root, "a rule", RULE_KEYS);
  if (map === undefined) return undefined;
  const id = readId(reader, map.get("id"), "id");
  reader.rule = id ?? null;
  for (const key of ["id", "on", "when"] as const) {
    if (!map.has(key)) reader.error(undefined, `${key} is missing`, key === "on" ? EVENT_KINDS.join(", ") : null);
  }
  const on = map.has("on") ? readKinds(reader, map.get("on"), EVENT_KINDS) : undefined;
  const scope = readScope(reader, map.get("scope"));
  const when = readExpression(reader, map.get("when"), "when");
  const severity = readSeverity(reader, map.get("severity"));
  const title = reader.string(map.get("title"), "title") ?? id ?? "";
  const message = map.has("message") ? readTemplate(reader, map.get("message"), "message") : title;
  const description = reader.string(map.get("description"), "description") ?? "";
  const tags = readTags(reader, map.get("tags"));
  const dedupe = readDedupe(reader, map.get("dedupe"));
  const exceptions = readExceptions(reader, map.get("exceptions"), source.file);
  const unindexed = readFlag(reader, map.get("unindexed"), "unindexed");
  if (!id || !on || !when || !severity || message === undefined) return undefined;
  const line = reader.lineOf(undefined);
  return {
    rule: {
      language: "jsonata",
      ...scope,
      ...{ id, title, description, on, when, severity, tags, message, dedupe, exceptions, unindexed },
      ...{ file: source.file, line },
    },
    reader,
    lines: {
      when: reader.lineOf(map.get("when")),
      message: reader.lineOf(map.get("message")),
      dedupe: reader.lineOf(map.get("dedupe")),
    },
  };
}

function isKubernetes(reader: YamlReader): boolean {
  const value = reader.plain(reader.root) as Record<string, unknown> | null;
  return typeof value === "object" && value !== null && "apiVersion" in value && "kind" in value;
}
