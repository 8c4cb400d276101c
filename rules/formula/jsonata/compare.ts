import { and, atom, or } from "../../../bus/formula/formula.ts";
import type { Formula, Range } from "../../../bus/formula/formula.ts";
import { each, guardOf, isText, textTest, textTruth, truth } from "./symbol.ts";
import type { Symbolic, Truth } from "./symbol.ts";

/** `=`: false where a side is missing. */
export function equal(left: Symbolic, right: Symbolic): Truth {
  const [a, b] = left.type === "constant" ? [right, left] : [left, right];
  if (a.type === "choice") return each(a, (one) => equal(one, b));
  if (b.type === "choice") return each(b, (one) => equal(a, one));
  if (b.type !== "constant") return truth(and(presence(a), presence(b)), true);
  const value = b.value;
  if (value === undefined) return truth(false, true);
  if (typeof value === "object" && value !== null) return truth(guardOf(a), true);
  switch (a.type) {
    case "constant":
      return typeof a.value === "object" && a.value !== null
        ? truth(true, true)
        : truth(a.value === value, a.value !== value);
    case "field":
    case "case":
      if (typeof value === "string") return { ...textTruth("in", a, [value]), defined: true };
      if (a.type === "case") return truth(false, true);
      return truth(and(a.guard, atom("in", a.path, [value])), true);
    case "part":
      return typeof value === "string" ? partEqual(a, value) : truth(false, true);
    case "boolean":
      if (value === true) return truth(a.yes, a.strict ? a.no : true);
      if (value === false) return truth(a.no, true);
      return truth(!a.strict, true);
    default:
      return truth(guardOf(a), true);
  }
}

/** `$substring(text, 0, 5) = "/tmp/"` is a beginning, `$substring(text, -3) = ".sh"` an end. Counts code points. */
function partEqual(part: Extract<Symbolic, { type: "part" }>, value: string): Truth {
  const size = Array.from(value).length;
  const test = (formula: Formula): Truth => truth(and(part.guard, formula), true);
  const whole = textTest("in", part.of, value);
  if (part.start === 0 && part.length === null) return test(whole);
  if (part.start === 0) {
    return test(size === part.length ? textTest("prefix", part.of, value) : size < part.length! ? whole : false);
  }
  if (part.start < 0 && part.length === null) {
    return test(size === -part.start ? textTest("suffix", part.of, value) : size < -part.start ? whole : false);
  }
  return test(size > 0 ? textTest("contains", part.of, value) : true);
}

/** `in`: false where a side is missing. */
export function included(left: Symbolic, right: Symbolic): Truth {
  if (left.type === "choice") return each(left, (one) => included(one, right));
  if (right.type === "choice") return each(right, (one) => included(left, one));
  if (right.type === "constant") {
    const { value } = right;
    if (Array.isArray(value))
      return anyEqual(
        left,
        value.map((item: unknown) => ({ type: "constant", value: item })),
      );
    return typeof value === "object" && value !== null ? truth(false, true) : equal(left, right);
  }
  if (right.type === "array") return anyEqual(left, right.items);
  if (right.type === "field" && left.type === "constant") return equal(left, right);
  return truth(and(presence(left), guardOf(right)), true);
}

function anyEqual(left: Symbolic, items: readonly Symbolic[]): Truth {
  const results = items.map((item) => {
    if (item.type === "span") return range(left, { min: item.low, max: item.high });
    return item.type === "array" || item.type === "unknown" ? truth(true, true) : equal(left, item);
  });
  const exact = items.every(({ type }) => type === "constant");
  return truth(or(...results.map(({ yes }) => yes)), exact ? and(...results.map(({ no }) => no)) : true);
}

/** `!=`: false where a side is missing. */
export function unequal(left: Symbolic, right: Symbolic): Truth {
  return truth(and(presence(left), presence(right), equal(left, right).no), true);
}

const MIRROR: Record<string, string> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };

/** `<`, `<=`, `>`, `>=`: missing where a side is, an error where the types differ. */
export function ordered(operator: string, left: Symbolic, right: Symbolic): Truth {
  const flipped = left.type === "constant";
  const [a, b] = flipped ? [right, left] : [left, right];
  const op = flipped ? MIRROR[operator]! : operator;
  if (b.type !== "constant" || typeof b.value !== "number") return truth(and(presence(a), presence(b)), true, false);
  const bound = b.value;
  const up: Range = op === ">" ? { min: bound, above: true } : { min: bound };
  const down: Range = op === "<" ? { max: bound, below: true } : { max: bound };
  return each(a, (one) => range(one, op.startsWith(">") ? up : down));
}

function range(it: Symbolic, bounds: Range): Truth {
  return truth(it.type === "field" ? and(it.guard, atom("range", it.path, [bounds])) : guardOf(it), true, false);
}

/** What must hold for a value to be there. */
function presence(it: Symbolic): Formula {
  return isText(it) ? and(it.guard, atom("exists", it.path)) : guardOf(it);
}
