import { bounded, union } from "../../bus/demand/wants.ts";
import { and, isAtom, or } from "../../bus/formula/formula.ts";
import type { Formula, Range } from "../../bus/formula/formula.ts";
import type { Wants } from "../../bus/types/demand.ts";
import { coverOf } from "../formula/cover.ts";
import { typesOfKind } from "../formula/field-types.ts";
import type { TypesOf } from "../formula/field-types.ts";
import { isEventKind, QUIET_KINDS } from "../model/kinds.ts";
import type { RuleSet } from "../model/rule-set.ts";

/** Bytes of JSON that an engine's demand may take: with more, the largest formulas give way to what covers them. */
const BYTES_MAX = 256 * 1024;

/** Which events a rule set's rules and policies may find something in, but for those that are disabled. */
export function wantsOf(set: Pick<RuleSet, "rules" | "policies" | "index">, disabled: ReadonlySet<string>): Wants {
  const all: Wants[] = [];
  const add = (kind: string, key: string, name: string): void => {
    if (!isEventKind(kind) || QUIET_KINDS.has(kind)) return;
    const formula = set.index[key]?.[kind]?.formula ?? true;
    all.push({ [kind]: { formula: certain(formula, typesOfKind(kind)), for: [name] } });
  };
  for (const { id, on } of set.rules)
    if (!disabled.has(id)) for (const kind of on) add(kind, `rule:${id}`, `rule ${id}`);
  for (const { id, on } of set.policies)
    if (!disabled.has(id)) for (const kind of on) add(kind, `policy:${id}`, `policy ${id}`);
  return bounded(union(all), BYTES_MAX, covered);
}

function covered(formula: Formula): Formula {
  const cover = coverOf(formula);
  return cover === null ? true : or(...cover.atoms);
}

/** Rego orders values of all types; where the schema lets a field be a whole number only, that matters to nobody. */
function certain(formula: Formula, typesOf: TypesOf): Formula {
  if (typeof formula === "boolean") return formula;
  if (!isAtom(formula)) {
    const parts = ("and" in formula ? formula.and : formula.or).map((part) => certain(part, typesOf));
    return "and" in formula ? and(...parts) : or(...parts);
  }
  const types = typesOf(formula.path);
  if (formula.op !== "range" || types === null || [...types].some((type) => type !== "integer")) return formula;
  return { ...formula, values: formula.values.map((value) => withoutOther(value as Range)) };
}

function withoutOther({ other: _other, ...range }: Range): Range {
  return range;
}
