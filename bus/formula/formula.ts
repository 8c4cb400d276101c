/**
 * What must hold of an event for a rule to find something: an AND/OR tree of atoms on fields. It says "only if", never "if":
 * whatever an interpreter of rules does not understand is `true`. Plain data, so that it lies in a rule set as it is.
 */
export type Formula = boolean | Atom | { and: Formula[] } | { or: Formula[] };

export const ATOM_OPS = [
  "in",
  "prefix",
  "suffix",
  "contains",
  "cidr",
  "range",
  "exists",
  "truthy",
  "set",
  "type",
] as const;
export type AtomOp = (typeof ATOM_OPS)[number];

/** Numbers between two bounds; `other`: what is no number may be in it as well (Rego orders values of all types). */
export interface Range {
  min?: number;
  max?: number;
  /** The bound itself is not in it. */
  above?: true;
  below?: true;
  other?: true;
}

export type AtomValue = string | number | boolean | null | Range;

/**
 * One test of one field; it holds when it does for any of the values. `exists` (there is a value), `truthy` (by JSONata's
 * `$boolean`) and `set` (neither missing nor false: what Rego takes for true) have none. `fold` compares without the case of
 * letters, its values are in lower case. `not` is the opposite.
 */
export interface Atom {
  op: AtomOp;
  path: string[];
  values: AtomValue[];
  fold?: true;
  not?: true;
}

export function isAtom(formula: Formula): formula is Atom {
  return typeof formula === "object" && "op" in formula;
}

export function atom(op: AtomOp, path: readonly string[], values: readonly AtomValue[] = [], fold = false): Atom {
  return { op, path: [...path], values: [...values], ...(fold ? { fold } : {}) };
}

export function negated(it: Atom): Atom {
  const { not, ...rest } = it;
  return not ? rest : { ...it, not: true };
}

/** All of them; nested ANDs are one. */
export function and(...parts: Formula[]): Formula {
  const kept = new Map<string, Formula>();
  for (const part of parts.flatMap((part) => (typeof part === "object" && "and" in part ? part.and : [part]))) {
    if (part === false) return false;
    if (part !== true) kept.set(keyOf(part), part);
  }
  const list = [...kept.values()];
  // A field that is compared with something is there.
  const needed = list.filter(
    (it) =>
      !(isAtom(it) && it.op === "exists" && !it.not && list.some((other) => other !== it && needs(other, fieldOf(it)))),
  );
  return needed.length === 0 ? true : needed.length === 1 ? needed[0]! : { and: needed };
}

/** Whether a formula holds only where a field is there. */
function needs(formula: Formula, field: string): boolean {
  if (typeof formula === "boolean") return false;
  if (isAtom(formula)) return !formula.not && formula.op !== "exists" && fieldOf(formula) === field;
  return "and" in formula
    ? formula.and.some((part) => needs(part, field))
    : formula.or.every((part) => needs(part, field));
}

/** Any of them; atoms that differ in their values are one, and what all of them demand stands before the OR. */
export function or(...parts: Formula[]): Formula {
  const kept = new Map<string, Formula>();
  for (const part of parts.flatMap((part) => (typeof part === "object" && "or" in part ? part.or : [part]))) {
    if (part === true) return true;
    if (part !== false) kept.set(keyOf(part), part);
  }
  const list = merged([...kept.values()]);
  if (list.length === 0) return false;
  if (list.length === 1) return list[0]!;
  const sets = list.map((it) => new Set(conjuncts(it).map(keyOf)));
  const common = conjuncts(list[0]!).filter((it) => sets.every((set) => set.has(keyOf(it))));
  if (common.length === 0) return { or: list };
  const keys = new Set(common.map(keyOf));
  return and(...common, or(...list.map((it) => and(...conjuncts(it).filter((one) => !keys.has(keyOf(one)))))));
}

/** The opposite of a formula that says exactly when something holds. */
export function opposite(formula: Formula): Formula {
  if (typeof formula === "boolean") return !formula;
  if (isAtom(formula)) return negated(formula);
  return "and" in formula ? or(...formula.and.map(opposite)) : and(...formula.or.map(opposite));
}

export function conjuncts(formula: Formula): Formula[] {
  return typeof formula === "object" && "and" in formula ? formula.and : [formula];
}

export function atomsOf(formula: Formula): Atom[] {
  if (typeof formula === "boolean") return [];
  return isAtom(formula) ? [formula] : ("and" in formula ? formula.and : formula.or).flatMap(atomsOf);
}

const keys = new WeakMap<object, string>();

function keyOf(formula: Formula): string {
  if (typeof formula === "boolean") return String(formula);
  let key = keys.get(formula);
  if (key === undefined) {
    key = JSON.stringify(
      isAtom(formula)
        ? [formula.op, formula.path, formula.values, formula.fold ?? 0, formula.not ?? 0]
        : "and" in formula
          ? ["and", formula.and.map(keyOf).sort()]
          : ["or", formula.or.map(keyOf).sort()],
    );
    keys.set(formula, key);
  }
  return key;
}

function fieldOf(it: Atom): string {
  return JSON.stringify(it.path);
}

function merged(parts: Formula[]): Formula[] {
  const groups = new Map<string, Atom>();
  const rest: Formula[] = [];
  for (const part of parts) {
    if (!isAtom(part) || part.not || part.values.length === 0) {
      rest.push(part);
      continue;
    }
    const key = JSON.stringify([part.op, part.path, part.fold ?? 0]);
    const other = groups.get(key);
    const values = other === undefined ? part.values : [...new Set([...other.values, ...part.values])];
    groups.set(key, { ...part, values });
  }
  return [...groups.values(), ...rest];
}
