import { and, isAtom, or } from "../formula/formula.ts";
import type { Formula } from "../formula/formula.ts";
import type { Want, Wants } from "../types/demand.ts";

/** Holders that are named; more are counted. */
const NAMED = 24;

/** Whoever of them wants an event gets it. */
export function union(all: readonly Wants[]): Wants {
  const kinds = new Map<string, Want[]>();
  for (const wants of all) {
    for (const [kind, want] of Object.entries(wants)) {
      const known = kinds.get(kind);
      if (known === undefined) kinds.set(kind, [want]);
      else known.push(want);
    }
  }
  const sorted = [...kinds].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([kind, list]): [string, Want] => [
      kind,
      {
        formula: or(...list.map(({ formula }) => formula)),
        for: [...new Set(list.flatMap((want) => want.for))].sort(),
      },
    ]),
  );
}

/**
 * The same in at most so many bytes of JSON: the largest formulas give way to weaker ones, at last to all events of the kind.
 * `weaker` gives one that holds whenever the formula does.
 */
export function bounded(wants: Wants, bytes: number, weaker: (formula: Formula) => Formula = () => true): Wants {
  const kept: Wants = Object.fromEntries(
    Object.entries(wants).map(([kind, { formula, for: names }]) => [kind, { formula, for: named(names) }]),
  );
  for (const next of [weaker, () => true]) {
    const weakened = new Set<string>();
    while (sizeOf(kept) > bytes && weakened.size < Object.keys(kept).length) {
      const [kind, want] = Object.entries(kept)
        .filter(([kind]) => !weakened.has(kind))
        .reduce((a, b) => (sizeOf(b[1].formula) > sizeOf(a[1].formula) ? b : a));
      weakened.add(kind);
      kept[kind] = { ...want, formula: next(want.formula) };
    }
  }
  return kept;
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function named(names: readonly string[]): string[] {
  return names.length <= NAMED ? [...names] : [...names.slice(0, NAMED), `and ${names.length - NAMED} more`];
}

/** The formula without the parts that `can` does not take: it holds whenever the whole one does. */
export function weaken(formula: Formula, can: (atom: Extract<Formula, { op: string }>) => boolean): Formula {
  if (typeof formula === "boolean") return formula;
  if (isAtom(formula)) return can(formula) ? formula : true;
  return "and" in formula
    ? and(...formula.and.map((part) => weaken(part, can)))
    : or(...formula.or.map((part) => weaken(part, can)));
}
