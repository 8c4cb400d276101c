import { EVENT_KINDS } from "../../bus/generated/events.ts";
import { POLICY_KINDS } from "../model/kinds.ts";
import type { Policy, RegoRule } from "../model/rule.ts";
import type { SourceFile } from "./files.ts";
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

const METADATA_KEYS = [
  "scope",
  "title",
  "description",
  "related_resources",
  "authors",
  "organizations",
  "schemas",
  "entrypoint",
  "custom",
  "compile",
] as const;
const DETECTION_KEYS = ["id", "on", "scope", "severity", "tags", "dedupe", "exceptions", "unindexed"] as const;
const POLICY_KEYS = ["on", "scope", "tags", "unindexed"] as const;

/** What the package of a Rego file is to the engine; libraries are neither. */
export interface RegoFile {
  package: string;
  line: number;
  rule: RegoRule | null;
  policy: Policy | null;
}

/** Reads a file's package and METADATA. The Rego itself is opa's to judge. Undefined where there is no package. */
export function readRegoFile(source: SourceFile, problems: Problems): RegoFile | undefined {
  const lines = source.text.split("\n");
  const at = lines.findIndex((line) => /^\s*package\s/.test(line));
  const name = /^\s*package\s+([\w.]+)/.exec(lines[at] ?? "")?.[1];
  if (name === undefined) return undefined; // opa says what is wrong with it
  const file: RegoFile = { package: name, line: at + 1, rule: null, policy: null };
  const place = { file: source.file, line: at + 1, rule: null };
  if (/^reeve(\.|$)/.test(name)) {
    problems.error(
      place,
      `package ${name} is the engine's own`,
      "detections.<name>, enforcement.<name>, or one of your own",
    );
    return file;
  }
  const root = /^(detections|enforcement)(?:\.|$)/.exec(name)?.[1];
  if (root === undefined) return file;
  if (!/^\w+(\.\w+)+$/.test(name)) {
    problems.error(place, `package ${name} has no name of its own`, `${root}.<name>`);
    return file;
  }
  const meta = metadataBefore(lines, at);
  if (meta === undefined) {
    problems.error(
      place,
      `package ${name} has no METADATA`,
      "a comment block `# METADATA` right above `package`, with title and custom",
    );
    return file;
  }
  const reader = readYaml(source.file, meta.yaml, problems, meta.line)[0];
  if (reader === undefined) return file;
  if (root === "detections") file.rule = readDetection(source, reader, name, at + 1) ?? null;
  else file.policy = readPolicy(source, reader, name, at + 1) ?? null;
  const head = root === "detections" ? "alert" : "decision";
  if (!new RegExp(`^\\s*${head}\\s+contains\\b`, "m").test(source.text)) {
    problems.error(
      { ...place, rule: reader.rule },
      `package ${name} has no rule "${head}"`,
      `${head} contains {...} if {...}`,
    );
  }
  return file;
}

function readDetection(source: SourceFile, reader: YamlReader, name: string, line: number): RegoRule | undefined {
  const meta = reader.map(reader.root, "METADATA", METADATA_KEYS);
  const custom = meta?.get("custom");
  if (meta === undefined || custom === undefined) {
    if (meta) reader.error(undefined, "METADATA has no custom", `custom: {id, on, severity, ...}`);
    return undefined;
  }
  const map = reader.map(custom, "custom", DETECTION_KEYS);
  if (map === undefined) return undefined;
  const id = readId(reader, map.get("id"), "id");
  reader.rule = id ?? null;
  for (const key of ["id", "on"] as const) if (!map.has(key)) reader.error(custom, `custom.${key} is missing`);
  const on = map.has("on") ? readKinds(reader, map.get("on"), EVENT_KINDS) : undefined;
  const scope = readScope(reader, map.get("scope"));
  const severity = readSeverity(reader, map.get("severity"));
  const tags = readTags(reader, map.get("tags"));
  const dedupe = readDedupe(reader, map.get("dedupe"));
  const exceptions = readExceptions(reader, map.get("exceptions"), source.file);
  const unindexed = readFlag(reader, map.get("unindexed"), "unindexed");
  if (!id || !on || !severity) return undefined;
  return {
    language: "rego",
    ...scope,
    ...{ id, on, severity, tags, dedupe, exceptions, unindexed },
    title: reader.string(meta.get("title"), "title") ?? id,
    description: reader.string(meta.get("description"), "description") ?? "",
    package: name,
    entry: `${name.replaceAll(".", "/")}/alert`,
    ...{ file: source.file, line },
  };
}

function readPolicy(source: SourceFile, reader: YamlReader, name: string, line: number): Policy | undefined {
  const id = name.replaceAll(".", "/");
  reader.rule = id;
  const meta = reader.map(reader.root, "METADATA", METADATA_KEYS);
  const custom = meta?.get("custom");
  const map = custom && reader.map(custom, "custom", POLICY_KEYS);
  if (meta === undefined || !map?.has("on")) {
    if (meta) reader.error(custom, "custom.on is missing", POLICY_KINDS.join(", "));
    return undefined;
  }
  const on = readKinds(reader, map.get("on"), POLICY_KINDS);
  const scope = readScope(reader, map.get("scope"));
  readTags(reader, map.get("tags"));
  if (!on) return undefined;
  return {
    ...scope,
    ...{
      id,
      on,
      package: name,
      entry: `${id}/decision`,
      unindexed: readFlag(reader, map.get("unindexed"), "unindexed"),
    },
    title: reader.string(meta.get("title"), "title") ?? id,
    description: reader.string(meta.get("description"), "description") ?? "",
    ...{ file: source.file, line },
  };
}

/** The METADATA block that ends right above a line, as YAML with the number of its first line. */
function metadataBefore(lines: string[], at: number): { yaml: string; line: number } | undefined {
  let end = at - 1;
  while (end >= 0 && lines[end]!.trim() === "") end--;
  let start = end;
  while (start >= 0 && /^\s*#/.test(lines[start]!)) {
    if (/^\s*#\s*METADATA\s*$/.test(lines[start]!)) {
      const yaml = lines.slice(start + 1, end + 1).map((line) => line.replace(/^\s*# ?/, ""));
      return { yaml: yaml.join("\n"), line: start + 2 };
    }
    start--;
  }
  return undefined;
}
