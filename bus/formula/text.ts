import { isAtom } from "./formula.ts";
import type { Atom, AtomValue, Formula, Range } from "./formula.ts";

const SHOWN_MAX = 6;

/** A formula for people: `process.binary suffix "/sh" and (parent.binary in "a", "b" or ...)`. */
export function formulaText(formula: Formula): string {
  if (typeof formula === "boolean") return formula ? "anything" : "nothing";
  if (isAtom(formula)) return atomText(formula);
  const word = "and" in formula ? " and " : " or ";
  const parts = "and" in formula ? formula.and : formula.or;
  return parts
    .map((part) => (typeof part === "object" && !isAtom(part) ? `(${formulaText(part)})` : formulaText(part)))
    .join(word);
}

export function atomText({ op, path, values, fold, not }: Atom): string {
  const more = values.length - SHOWN_MAX;
  const shown = values.slice(0, SHOWN_MAX).map(valueText).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return `${not ? "not " : ""}${path.join(".")} ${op}${fold ? " (any case)" : ""}${shown === "" ? "" : ` ${shown}`}`;
}

function valueText(value: AtomValue): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const { min, max, above, below }: Range = value;
  return [
    min === undefined ? "" : `${above ? ">" : ">="} ${min}`,
    max === undefined ? "" : `${below ? "<" : "<="} ${max}`,
  ]
    .filter((part) => part !== "")
    .join(" ");
}
