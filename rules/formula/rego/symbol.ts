import { and, atom, negated, or } from "../../../bus/formula/formula.ts";
import type { AtomOp, AtomValue, Formula } from "../../../bus/formula/formula.ts";

/**
 * What a term of a residual stands for. `piece` is a part of a text (of `split`, `trim`), `last` when it stands at its end,
 * `by` what it was split by.
 * `oneOf` is an element of a known collection. `each` is a comprehension. `choice` holds the ways in which
 * a rule gives a value.
 */
export type Value =
  | { type: "constant"; value: unknown }
  | { type: "oneOf"; values: unknown[] }
  | { type: "field"; path: string[] }
  | { type: "lower"; path: string[] }
  | { type: "pieces"; of: Field; by: string | null }
  | { type: "count"; of: Field }
  | { type: "lastIndex"; of: Field }
  | { type: "piece"; of: Field; last: boolean; by: string | null }
  | { type: "default"; path: string[]; otherwise: Value }
  | { type: "list"; items: Value[] }
  | { type: "each"; when: Formula; is: Value }
  | { type: "choice"; options: { when: Formula; is: Value }[] }
  | { type: "unknown"; guard: Formula };

export type Field = Extract<Value, { type: "field" | "lower" }>;

export const UNKNOWN: Value = { type: "unknown", guard: true };

const ASCII = /^\p{ASCII}*$/u;

export function isField(value: Value): value is Field {
  return value.type === "field" || value.type === "lower";
}

/** Rego is given text without zeros and halves of surrogate pairs: what has such a character in it is not the same text there. */
function isPlain(text: string): boolean {
  return !text.includes("\0") && !text.includes("\ufffd") && text.isWellFormed();
}

export function textTest(op: AtomOp, value: Value, text: string): Formula {
  if (!isPlain(text)) return true;
  switch (value.type) {
    case "field":
      return atom(op, value.path, [text]);
    case "lower":
      if (/[A-Z]/.test(text)) return false;
      return ASCII.test(text) ? atom(op, value.path, [text], true) : true;
    case "piece":
      if (text === "") return true;
      // The last piece: all of the text, or what follows a separator at its end.
      if (value.last && op === "in" && value.by !== null) {
        return or(textTest("in", value.of, text), textTest("suffix", value.of, value.by + text));
      }
      return textTest(value.last && (op === "in" || op === "suffix") ? "suffix" : "contains", value.of, text);
    case "choice":
      return or(...value.options.map(({ when, is }) => and(when, textTest(op, is, text))));
    case "constant":
      return typeof value.value === "string" ? constantTest(op, value.value, text) : false;
    case "oneOf":
      return value.values.some((one) => typeof one === "string" && constantTest(op, one, text));
    default:
      return guardOf(value);
  }
}

function constantTest(op: AtomOp, value: string, text: string): boolean {
  if (op === "prefix") return value.startsWith(text);
  if (op === "suffix") return value.endsWith(text);
  return op === "contains" ? value.includes(text) : value === text;
}

export function guardOf(value: Value): Formula {
  if (value.type === "unknown") return value.guard;
  if (isField(value)) return value.path.length === 0 ? true : atom("exists", value.path);
  if (value.type === "choice") return or(...value.options.map(({ when }) => when));
  return true;
}

/** `=`: defined and equal. */
export function equal(left: Value, right: Value): Formula {
  const known = constantsOf(left) ?? constantsOf(right);
  const other = constantsOf(left) === null ? left : right;
  if (left.type === "choice") return or(...left.options.map(({ when, is }) => and(when, equal(is, right))));
  if (right.type === "choice") return or(...right.options.map(({ when, is }) => and(when, equal(left, is))));
  if (known === null) return and(guardOf(left), guardOf(right));
  return or(...known.map((value) => equalTo(other, value)));
}

function equalTo(value: Value, constant: unknown): Formula {
  const constants = constantsOf(value);
  if (constants !== null)
    return constants.some((one) => typeof one === "object" || typeof constant === "object" || one === constant);
  if (typeof constant === "object" && constant !== null) return guardOf(value);
  if (value.type === "default") {
    const there = equalTo({ type: "field", path: value.path }, constant);
    const missing = equalTo(value.otherwise, constant);
    return or(there, missing === false ? false : and(missing, negated(atom("exists", value.path))));
  }
  if (typeof constant === "string") return textTest("in", value, constant);
  if (value.type === "field") return atom("in", value.path, [constant as AtomValue]);
  return value.type === "lower" || value.type === "piece" ? false : guardOf(value);
}

/** The values that something may have, where they are known; null where they are not. */
export function constantsOf(value: Value): unknown[] | null {
  if (value.type === "constant") return [value.value];
  return value.type === "oneOf" ? value.values : null;
}

/** The elements of a collection, where they are known. */
export function elementsOf(value: Value): Value[] | null {
  if (value.type === "list") return value.items;
  if (value.type !== "constant" || typeof value.value !== "object" || value.value === null) return null;
  return Object.values(value.value).map((one: unknown) => ({ type: "constant", value: one }));
}

/** Texts of a text or a collection of texts; null where they are not known. */
export function textsOf(value: Value): string[] | null {
  const values = constantsOf(value) ?? elementsOf(value)?.map(constantsOf);
  if (values === undefined || values.includes(null)) return null;
  const texts = values.flat(2);
  return texts.every((text) => typeof text === "string") ? texts : null;
}
