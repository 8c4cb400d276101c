import { didYouMean } from "../../bus/nearest.ts";
import type { Rule } from "../model/rule.ts";
import type { SourceFile } from "./files.ts";
import type { Problems } from "./problems.ts";
import { readException, readId } from "./rule-fields.ts";
import { readYaml } from "./yaml-reader.ts";

/** Adds the exceptions of `exceptions/*.yaml` (a sequence of {rule, name, when}) to the rules that they name. */
export function appendExceptions(sources: readonly SourceFile[], rules: readonly Rule[], problems: Problems): void {
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  for (const source of sources) {
    for (const reader of readYaml(source.file, source.text, problems)) {
      for (const item of reader.items(reader.root, "the file", "a sequence of {rule, name, when}") ?? []) {
        reader.rule = null;
        const map = reader.map(item, "an exception", ["rule", "name", "when", "comment"]);
        if (map === undefined) continue;
        if (!map.has("rule")) reader.error(item, "the exception names no rule", [...byId.keys()].join(", "));
        const id = readId(reader, map.get("rule"), "rule");
        reader.rule = id ?? null;
        const exception = readException(reader, item, map, source.file);
        if (id === undefined || exception === undefined) continue;
        const rule = byId.get(id);
        if (rule === undefined) {
          reader.error(
            map.get("rule"),
            `there is no rule "${id}"${didYouMean(id, byId.keys())}`,
            [...byId.keys()].join(", "),
          );
        } else if (rule.exceptions.some((other) => other.name === exception.name)) {
          reader.error(item, `rule "${id}" has an exception "${exception.name}" already`, "names that differ");
        } else rule.exceptions.push(exception);
      }
    }
  }
}
