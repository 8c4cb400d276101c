import type { Ast } from "../../lint/jsonata-ast.ts";
import { and, atom, isAtom, negated, opposite, or } from "../../../bus/formula/formula.ts";
import type { AtomOp, Formula } from "../../../bus/formula/formula.ts";

/**
 * What an expression stands for, as far as it is known without an event. `guard` is what must hold for it to be there at all.
 * `yes` must hold for it to be true, `no` for it to be false or missing: neither says that it is. `defined`: it is never
 * missing. `strict`: it is a boolean or missing, nothing else. `filtered`: more than its guard
 * decides whether it is there.
 */
export type Symbolic =
  | { type: "constant"; value: unknown }
  | { type: "field"; path: string[]; guard: Formula; filtered?: true }
  | { type: "case"; path: string[]; to: "lower" | "upper"; guard: Formula; filtered?: true }
  | { type: "part"; of: Text; start: number; length: number | null; guard: Formula }
  | { type: "array"; items: Symbolic[] }
  | { type: "span"; low: number; high: number }
  | { type: "boolean"; yes: Formula; no: Formula; defined: boolean; strict: boolean }
  | { type: "choice"; options: { when: Formula; is: Symbolic }[] }
  | { type: "regex"; source: string; flags: string }
  | { type: "lambda"; parameters: string[]; body: Ast; scope: Scope }
  | { type: "unknown"; guard: Formula };

export type Text = Extract<Symbolic, { type: "field" | "case" }>;
export type Truth = Extract<Symbolic, { type: "boolean" }>;

/** Where names stand for something. `context` is what a path begins at. */
export interface Scope {
  names: Map<string, Symbolic>;
  above: Scope | null;
  context: Symbolic;
}

export const UNKNOWN: Symbolic = { type: "unknown", guard: true };
const ASCII = /^\p{ASCII}*$/u;

export function constant(value: unknown): Symbolic {
  return { type: "constant", value };
}

export function truth(yes: Formula, no: Formula, defined = true, strict = true): Truth {
  return { type: "boolean", yes, no, defined, strict };
}

export function isText(it: Symbolic): it is Text {
  return it.type === "field" || it.type === "case";
}

export function guardOf(it: Symbolic): Formula {
  return "guard" in it ? it.guard : true;
}

/** Whether a field is there whenever the event has it. */
export function isPlain(it: Text): boolean {
  return it.guard === true && it.filtered !== true;
}

/** A value's truth in `and`, `or`, `?:` and `$not`. */
export function truthOf(it: Symbolic): { yes: Formula; no: Formula } {
  switch (it.type) {
    case "constant": {
      if (typeof it.value === "object" && it.value !== null) return { yes: true, no: true };
      return { yes: Boolean(it.value), no: !it.value };
    }
    case "boolean":
      return { yes: it.yes, no: it.no };
    case "field": {
      const test = atom("truthy", it.path);
      return { yes: and(it.guard, test), no: isPlain(it) ? negated(test) : true };
    }
    case "choice":
      return {
        yes: or(...it.options.map(({ when, is }) => and(when, truthOf(is).yes))),
        no: or(...it.options.map(({ when, is }) => and(when, truthOf(is).no))),
      };
    default:
      return { yes: guardOf(it), no: true };
  }
}

/** Applies a test to each of what a value may be. */
export function each(it: Symbolic, test: (one: Symbolic) => Truth): Truth {
  if (it.type !== "choice") return test(it);
  const results = it.options.map(({ when, is }) => ({ when, is: test(is) }));
  return truth(
    or(...results.map(({ when, is }) => and(when, is.yes))),
    or(...results.map(({ when, is }) => and(when, is.no))),
    results.every(({ is }) => is.defined),
    results.every(({ is }) => is.strict),
  );
}

/** The test of a text with a constant; `true` where nothing can be said, `false` where it never holds. */
export function textTest(op: AtomOp, it: Text, value: string): Formula {
  if (it.type === "field") return atom(op, it.path, [value]);
  if (!ASCII.test(value)) return true;
  if (it.to === "lower" ? /[A-Z]/.test(value) : /[a-z]/.test(value)) return false;
  return atom(op, it.path, [value.toLowerCase()], true);
}

/** The truth of such a test. `total`: it is false, not missing, where the text is. */
export function textTruth(op: AtomOp, it: Symbolic, values: readonly string[], total = false): Truth {
  if (it.type === "constant") return constantText(op, it.value, values, total);
  if (!isText(it)) return truth(guardOf(it), true, total);
  const test = or(...values.map((value) => textTest(op, it, value)));
  const exact = isPlain(it) && (it.type === "field" || it.to === "lower") && test !== true && allAtoms(test);
  return truth(and(it.guard, test), exact ? opposite(test) : true, total);
}

function allAtoms(test: Formula): boolean {
  return typeof test === "boolean" || isAtom(test) || ("or" in test && test.or.every(allAtoms));
}

function constantText(op: AtomOp, text: unknown, values: readonly string[], total: boolean): Truth {
  if (typeof text !== "string") return total ? truth(false, true) : truth(true, true, false);
  const holds = values.some((value) => {
    if (op === "prefix") return text.startsWith(value);
    if (op === "suffix") return text.endsWith(value);
    return op === "contains" ? text.includes(value) : text === value;
  });
  return truth(holds, !holds);
}
