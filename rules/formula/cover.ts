import { isAtom } from "../../bus/formula/formula.ts";
import type { Atom, Formula } from "../../bus/formula/formula.ts";
import type { TypesOf } from "./field-types.ts";
import { ORDINARY_ARGUMENTS, ORDINARY_PATHS } from "./ordinary.ts";
import { compileAtom, testOf, UNCLEAR } from "../../bus/formula/verify.ts";

/** Atoms of which at least one holds for every event that a rule finds something in. `cost` is the share of events that meet one, guessed. */
export interface Cover {
  atoms: Atom[];
  cost: number;
}

/** What the guess still weighs beside events that were seen. */
const PRIOR = 0.05;

/**
 * The cheapest cover; null where there is none: the rule has to be evaluated for each event. With events of the kind as a
 * sample it is the cheapest for those.
 */
export function coverOf(
  formula: Formula,
  typesOf: TypesOf = () => null,
  sample: readonly unknown[] = [],
): Cover | null {
  if (typeof formula === "boolean") return formula ? null : { atoms: [], cost: 0 };
  if (isAtom(formula)) {
    const cost = costOf(formula, typesOf(formula.path));
    if (cost === null || sample.length === 0) return cost === null ? null : { atoms: [formula], cost };
    const test = compileAtom(formula);
    const met = sample.filter((event) => test(event)).length / sample.length;
    return { atoms: [formula], cost: Math.min(1, met + cost * PRIOR) };
  }
  const parts = ("and" in formula ? formula.and : formula.or).map((part) => coverOf(part, typesOf, sample));
  if ("and" in formula) {
    const known = parts.filter((part) => part !== null);
    return known.length === 0 ? null : known.reduce((best, part) => (part.cost < best.cost ? part : best));
  }
  if (parts.some((part) => part === null)) return null;
  const all = parts as Cover[];
  return {
    atoms: all.flatMap((part) => part.atoms),
    cost: Math.min(
      1,
      all.reduce((sum, part) => sum + part.cost, 0),
    ),
  };
}

/** A text that is no longer than this is found in all kinds of others. */
const LENGTHS = [1, 0.5, 0.2, 0.08, 0.03, 0.01, 0.008, 0.006, 0.005, 0.004];
const LEAST: Partial<Record<Atom["op"], number>> = { in: 0.05, prefix: 0.3, suffix: 0.2 };

/** The share of events that may meet an atom; null for one that no index can hold. */
function costOf({ op, path, values, fold, not }: Atom, types: ReadonlySet<string> | null): number | null {
  // What both languages look into tells nothing, nor does a test that each value of its type passes.
  if (not || path.length === 0 || types?.has("array") || types?.has("object")) return null;
  if (op === "set" && types?.has("boolean") === false) return null;
  if (
    op === "type" &&
    types !== null &&
    [...types].every((type) => values.includes(type === "integer" ? "number" : type))
  )
    return null;
  switch (op) {
    case "in":
    case "prefix":
    case "suffix":
    case "contains": {
      if (op !== "in" && values.includes("")) return null;
      const name = path.at(-1)!;
      const ordinary = name === "arguments" ? ORDINARY_ARGUMENTS : ORDINARY_PATHS;
      const test = testOf({ op, path, values, ...(fold ? { fold } : {}) });
      const met = ordinary.filter((text) => [true, UNCLEAR].includes(test(text) as boolean)).length / ordinary.length;
      return Math.min(1, met + values.reduce<number>((sum, value) => sum + valueCost(op, value), 0));
    }
    case "cidr":
      return 0.1;
    case "truthy":
      return 0.3;
    case "set":
      return 0.1;
    case "type":
      return types?.has("null") ? 0.05 : 0.3; // of what may be null it is the rare case
    case "range":
      return 0.5;
    default:
      return null; // that there is something is true of most
  }
}

function valueCost(op: Atom["op"], value: unknown): number {
  if (typeof value !== "string") return value === 0 ? 0.4 : value === null || typeof value === "boolean" ? 0.5 : 0.02;
  return 0.1 * (LEAST[op] ?? 1) * (LENGTHS[value.length] ?? 0.003);
}
