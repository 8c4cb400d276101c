import type { EventKind } from "../../bus/generated/events.ts";
import { parseTemplate } from "../eval/template.ts";
import type { LoadedYamlRule } from "../load/yaml-rule.ts";
import type { Place, Problems } from "../load/problems.ts";
import type { Rule } from "../model/rule.ts";
import { schemaOf } from "./event-schema.ts";
import { lintExpression } from "./jsonata-lint.ts";

/** Lints every expression of the rules against each kind of event that they are about. */
export function lintRules(rules: readonly Rule[], yamlRules: readonly LoadedYamlRule[], problems: Problems): void {
  for (const { rule, lines } of yamlRules) {
    const place = { file: rule.file, line: lines.when, rule: rule.id };
    lint(rule.when, rule.on, place, "when", problems);
    for (const part of parseTemplate(rule.message)) {
      if ("expression" in part)
        lint(part.expression, rule.on, { ...place, line: lines.message }, "message", problems, "errors");
    }
  }
  for (const rule of rules) {
    const dedupeLine = yamlRules.find((loaded) => loaded.rule === rule)?.lines.dedupe ?? rule.line;
    for (const by of rule.dedupe?.by ?? []) {
      lint(by, rule.on, { file: rule.file, line: dedupeLine, rule: rule.id }, "dedupe.by", problems, "errors");
    }
    for (const { name, when, file, line } of rule.exceptions) {
      lint(when, rule.on, { file, line, rule: rule.id }, `exception ${name}`, problems);
    }
  }
}

function lint(
  expression: string,
  kinds: readonly EventKind[],
  place: Place,
  what: string,
  problems: Problems,
  say: "all" | "errors" = "all",
): void {
  for (const kind of kinds) {
    for (const finding of lintExpression(expression, schemaOf(kind))) {
      // A value of several lines in YAML begins on the line of its `|`; a plain one on its own.
      const line = (place.line ?? 1) + (expression.slice(0, finding.position).match(/\n/g)?.length ?? 0);
      const text = `${what}: ${finding.message}${kinds.length > 1 ? ` (on ${kind})` : ""}`;
      if (finding.severity === "error") problems.error({ ...place, line }, text, finding.allowed);
      else if (say === "all") problems.warn({ ...place, line }, text, finding.allowed);
    }
  }
}
