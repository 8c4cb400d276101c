import type { LoadedRules } from "../load/load.ts";
import type { Problems } from "../load/problems.ts";
import { QUIET_KINDS } from "../model/kinds.ts";
import type { Policy, Rule } from "../model/rule.ts";
import type { RuleIndex } from "../model/rule-set.ts";
import { admit } from "./admission.ts";
import type { Admission } from "./admission.ts";
import { NOT_EVALUATED } from "./partial-rego.ts";
import type { Residuals } from "./partial-rego.ts";

const ALLOWED =
  "a condition that compares a field with constants: =, in, $startsWith, $endsWith, $contains, $match, $cidr (Rego: ==, in, startswith, endswith, contains, regex.match, net.cidr_contains); or unindexed: true";

/** The index of a rule set. A rule that each event would have to be evaluated for, and does not say so, becomes a problem. */
export function indexRules(loaded: LoadedRules, residuals: Residuals, problems: Problems): RuleIndex {
  const index: RuleIndex = {};
  if (problems.errors.length > 0) return index;
  const things = new Map<string, Rule | Policy>([
    ...loaded.rules.map((rule) => [`rule:${rule.id}`, rule] as const),
    ...loaded.policies.map((policy) => [`policy:${policy.id}`, policy] as const),
  ]);
  for (const admission of admit(loaded, residuals)) {
    const { key, kind, formula, cover } = admission;
    (index[key] ??= {})[kind] = { formula, cover: cover?.atoms ?? null };
    const { id, file, line, unindexed } = things.get(key)!;
    if (cover !== null || unindexed || QUIET_KINDS.has(kind)) continue;
    // That may be the machine's fault: a rule is not refused because it was slow.
    if (admission.notes.includes(NOT_EVALUATED)) problems.warn({ file, line, rule: id }, refusal(admission), ALLOWED);
    else problems.error({ file, line, rule: id }, refusal(admission), ALLOWED);
  }
  return index;
}

function refusal({ kind, notes }: Admission): string {
  const because = notes.length === 0 ? "" : ` (${notes.slice(0, 3).join("; ")})`;
  return `nothing in it says which ${kind} events it is about, so each of them would have to be evaluated${because}`;
}
