import { parseDocument } from "yaml";
import type { Lists, ListValue } from "../model/lists.ts";
import type { SourceFile } from "./files.ts";
import type { Problems } from "./problems.ts";

const FORM = "a sequence of texts, numbers or booleans; or a mapping, where look-ups must be quick";

/**
 * Lists by the names of their files (`lists/shells.yaml` is `shells`). Files of the same name in several directories are
 * one list: what the user's adds to the shipped one is appended.
 */
export function mergeLists(sources: readonly SourceFile[], problems: Problems): Lists {
  const lists: Lists = {};
  for (const source of sources) {
    const name = source.name
      .split("/")
      .at(-1)!
      .replace(/\.\w+$/, "");
    if (!/^[a-z]\w*$/i.test(name)) {
      problems.error(
        placeOf(source),
        `"${name}" cannot be the name of a list`,
        "letters, digits and _, a letter first",
      );
      continue;
    }
    const value = readList(source, problems);
    if (value === undefined) continue;
    const before = lists[name];
    if (before === undefined) lists[name] = value;
    else if (Array.isArray(before) && Array.isArray(value)) lists[name] = [...new Set([...before, ...value])];
    else if (!Array.isArray(before) && !Array.isArray(value)) lists[name] = { ...before, ...value };
    else {
      const [is, must] = Array.isArray(before) ? ["a mapping", "a sequence"] : ["a sequence", "a mapping"];
      problems.error(placeOf(source), `list "${name}" is ${is} here, but ${must} where it is defined first`, must);
    }
  }
  return lists;
}

function readList(source: SourceFile, problems: Problems): ListValue | undefined {
  const document = parseDocument(source.text);
  const error = document.errors[0];
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? null;
    problems.error({ ...placeOf(source), line }, `is not YAML: ${error.message.split("\n")[0]}`, FORM);
    return undefined;
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (Array.isArray(value)) {
    const wrong = value.findIndex((item) => !["string", "number", "boolean"].includes(typeof item));
    if (wrong < 0) return value as ListValue;
    problems.error(placeOf(source), `item ${wrong + 1} is ${JSON.stringify(value[wrong])}`, FORM);
    return undefined;
  }
  if (typeof value === "object" && value !== null) return value as ListValue;
  problems.error(placeOf(source), value === null ? "is empty" : `is ${JSON.stringify(value)}`, FORM);
  return undefined;
}

function placeOf(source: SourceFile) {
  return { file: source.file, line: 1, rule: null };
}
