import { isAtom } from "../formula/formula.ts";
import type { Formula } from "../formula/formula.ts";
import { SELECTOR_FIELDS } from "../types/fields.ts";
import type { Predicate } from "../types/selector.ts";
import { carried } from "./carried.ts";

/** One selector: all of its predicates hold. `nodes`: only there; null on all. */
export interface Conjunction {
  match: Predicate[];
  nodes: string[] | null;
}

export interface KernelFilter {
  /** An event is needed only if one of them holds. One without predicates lets everything through. */
  any: Conjunction[];
  /** What of the formula could not be said, and why. */
  lacks: string[];
}

/** An AND of ORs multiplies; what would make more than so many is left out of it. */
const PRODUCT_MAX = 256;
/** Selectors for one kind of event; with more, each keeps its best predicate only, and those become one. */
const SELECTORS_MAX = 1024;
/** The rarest first. */
const WORTH: readonly string[] = ["in", "cidr", "range", "prefix", "suffix"];

/** The selectors by which the kernel lets through all events of a kind that meet the formula, and as few others as it can tell. */
export function kernelFilter(formula: Formula, hook: string): KernelFilter {
  const lacks = new Set<string>();
  let any = distribute(formula, hook, lacks);
  if (any.length > SELECTORS_MAX) any = joined(any.map(bestOnly));
  any = any.filter(({ nodes }) => nodes === null || nodes.length > 0);
  const open = any.find(({ match, nodes }) => match.length === 0 && nodes === null);
  return { any: open === undefined ? any : [open], lacks: [...lacks] };
}

function distribute(formula: Formula, hook: string, lacks: Set<string>): Conjunction[] {
  if (typeof formula === "boolean") return formula ? [{ match: [], nodes: null }] : [];
  if (isAtom(formula)) {
    const { op, path, values, not, fold } = formula;
    if (op === "in" && path.length === 1 && path[0] === "node" && !not && !fold)
      return [{ match: [], nodes: values.filter((value) => typeof value === "string") }];
    const made = carried(formula, hook);
    if ("lack" in made) lacks.add(made.lack);
    return [{ match: "lack" in made ? [] : [made.predicate], nodes: null }];
  }
  if ("or" in formula) return formula.or.flatMap((part) => distribute(part, hook, lacks));
  const parts = formula.and.map((part) => distribute(part, hook, lacks)).sort((a, b) => a.length - b.length);
  let all: Conjunction[] = [{ match: [], nodes: null }];
  for (const part of parts) {
    if (all.length * part.length > PRODUCT_MAX) {
      lacks.add(`an alternative of ${part.length}, which would make too many selectors`);
      continue;
    }
    all = all.flatMap((one) => part.map((other) => both(one, other)));
  }
  return all;
}

/** Two predicates on one operand of the matcher cannot both be said: the first stays. */
function both(a: Conjunction, b: Conjunction): Conjunction {
  const taken = new Set(a.match.map(operandOf));
  const nodes = a.nodes === null ? b.nodes : b.nodes === null ? a.nodes : a.nodes.filter((it) => b.nodes!.includes(it));
  return { match: [...a.match, ...b.match.filter((it) => !taken.has(operandOf(it)))], nodes };
}

function operandOf({ field, op }: Predicate): string {
  return SELECTOR_FIELDS[field]?.type === "path" ? `${field} ${op}` : field;
}

function bestOnly({ match, nodes }: Conjunction): Conjunction {
  const rank = ({ op }: Predicate): number => WORTH.indexOf(op);
  return { match: match.toSorted((a, b) => rank(a) - rank(b)).slice(0, 1), nodes };
}

/** Those that differ in the values of one predicate are one. */
function joined(all: readonly Conjunction[]): Conjunction[] {
  const groups = new Map<string, Conjunction>();
  for (const one of all) {
    const [first] = one.match;
    const key = JSON.stringify([first?.field, first?.op, one.nodes]);
    const known = groups.get(key)?.match[0];
    if (known === undefined || first === undefined) groups.set(key, structuredClone(one));
    else known.values = [...new Set([...known.values, ...first.values])];
  }
  return [...groups.values()];
}
