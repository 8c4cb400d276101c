import { SELECTOR_FIELDS } from "../../bus/types/fields.ts";
import { HOOKS } from "../../bus/types/selector.ts";
import type { Hook } from "../../bus/types/selector.ts";
import { coverOf } from "../formula/cover.ts";
import type { TypesOf } from "../formula/field-types.ts";
import { and, isAtom, or } from "../../bus/formula/formula.ts";
import type { Atom, Formula } from "../../bus/formula/formula.ts";
import { atomText, formulaText } from "../../bus/formula/text.ts";

/** Whether a tier can tell events that a rule needs from others: by what, or why not. */
export interface Tier {
  holds: boolean;
  text: string;
}

/** What the kernel's selectors can hold of a formula: whatever they cannot say is left out, which only lets more through. */
export function kernelTier(formula: Formula, kind: string, typesOf: TypesOf): Tier {
  if (!(HOOKS as readonly string[]).includes(kind)) return { holds: false, text: `selectors know no hook ${kind}` };
  const lacking = new Set<string>();
  const weakened = weaken(formula, (atom) => {
    const reason = lackOf(atom, kind as Hook);
    if (reason !== null) lacking.add(reason);
    return reason === null;
  });
  if (coverOf(weakened, typesOf) === null)
    return { holds: false, text: [...lacking].join("; ") || "nothing in it that a selector could say" };
  const less = lacking.size === 0 ? "" : ` (without: ${[...lacking].join("; ")})`;
  return { holds: true, text: `${formulaText(weakened)}${less}` };
}

/** Why a selector cannot say an atom; null when it can. */
function lackOf(atom: Atom, hook: Hook): string | null {
  const name = atom.path.join(".");
  const field = SELECTOR_FIELDS[name];
  if (!field?.hooks.includes(hook)) return `${name} is no field of selectors`;
  if (atom.fold) return `${atomText(atom)}: selectors compare with case`;
  const op = atom.not ? `not${atom.op[0]!.toUpperCase()}${atom.op.slice(1)}` : atom.op;
  return (field.operators as readonly string[]).includes(op) ? null : `${name} has no operator ${op}`;
}

function weaken(formula: Formula, can: (atom: Atom) => boolean): Formula {
  if (typeof formula === "boolean") return formula;
  if (isAtom(formula)) return can(formula) ? formula : true;
  return "and" in formula
    ? and(...formula.and.map((part) => weaken(part, can)))
    : or(...formula.or.map((part) => weaken(part, can)));
}
