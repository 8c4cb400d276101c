import { and, atom, isAtom, or } from "../../bus/formula/formula.ts";
import type { Atom, Formula } from "../../bus/formula/formula.ts";
import type { TypesOf } from "./field-types.ts";
import { compileAtom, ELEMENT } from "../../bus/formula/verify.ts";

/** The formula for events of one kind: what it says of `kind` is known. */
export function specialize(formula: Formula, kind: string): Formula {
  return mapAtoms(formula, (it) => (it.path.length === 1 && it.path[0] === "kind" ? compileAtom(it)({ kind }) : it));
}

/**
 * A JSONata path looks into the lists on it: there one of the elements must do what is asked of the path. That none of them
 * may, says nothing: a list of several is not equal to anything.
 */
export function intoLists(formula: Formula, typesOf: TypesOf): Formula {
  return mapAtoms(formula, (it) => {
    const path: string[] = [];
    for (const name of it.path) {
      path.push(name);
      if (typesOf(path)?.has("array")) path.push(ELEMENT);
    }
    if (path.length === it.path.length) return it;
    if (it.not || it.op === "exists") return true;
    return atom(it.op, path, it.values, it.fold);
  });
}

function mapAtoms(formula: Formula, change: (it: Atom) => Formula): Formula {
  if (typeof formula === "boolean") return formula;
  if (isAtom(formula)) return change(formula);
  return "and" in formula
    ? and(...formula.and.map((part) => mapAtoms(part, change)))
    : or(...formula.or.map((part) => mapAtoms(part, change)));
}
