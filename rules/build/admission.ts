import type { EventKind } from "../../bus/generated/events.ts";
import { coverOf } from "../formula/cover.ts";
import type { Cover } from "../formula/cover.ts";
import { typesOfKind } from "../formula/field-types.ts";
import type { Formula } from "../../bus/formula/formula.ts";
import { interpretJsonata } from "../formula/jsonata/interpret.ts";
import { intoLists, specialize } from "../formula/specialize.ts";
import type { LoadedRules } from "../load/load.ts";
import type { Policy, Rule } from "../model/rule.ts";
import { readResiduals } from "./partial-rego.ts";
import type { Residuals } from "./partial-rego.ts";

/** What is known of a rule or policy for the events of a kind. */
export interface Admission {
  key: string;
  kind: EventKind;
  formula: Formula;
  /** Null where each event of the kind has to be evaluated. */
  cover: Cover | null;
  /** What of it the formula says nothing about, and why. */
  notes: readonly string[];
}

/** Takes the formulas of all rules, and of the policies over events. */
export function admit(loaded: LoadedRules, residuals: Residuals): Admission[] {
  const rego = readResiduals(residuals, loaded.lists);
  const admissions: Admission[] = [];
  const add = (thing: Rule | Policy, key: string, formula: Formula, notes: readonly string[]): void => {
    for (const kind of thing.on) {
      if (kind === "alert") continue;
      const typesOf = typesOfKind(kind);
      const known = specialize(formula, kind);
      const special = "language" in thing && thing.language === "jsonata" ? intoLists(known, typesOf) : known;
      admissions.push({ key, kind, formula: special, cover: coverOf(special, typesOf), notes });
    }
  };
  for (const rule of loaded.rules) {
    const key = `rule:${rule.id}`;
    if (rule.language === "jsonata") {
      const { formula, notes } = interpretJsonata(rule.when, loaded.lists);
      add(
        rule,
        key,
        formula,
        notes.map(({ reason, position }) => `${reason}${near(rule.when, position)}`),
      );
    } else add(rule, key, rego.get(key)?.formula ?? true, rego.get(key)?.notes ?? []);
  }
  for (const policy of loaded.policies) {
    const key = `policy:${policy.id}`;
    add(policy, key, rego.get(key)?.formula ?? true, rego.get(key)?.notes ?? []);
  }
  return admissions;
}

function near(expression: string, position: number | null): string {
  if (position === null) return "";
  return `, near "${expression
    .slice(Math.max(0, position - 14), position + 14)
    .replace(/\s+/g, " ")
    .trim()}"`;
}
