import { and, atom, negated, or } from "../../../bus/formula/formula.ts";
import type { Formula } from "../../../bus/formula/formula.ts";
import { regexFormula } from "../regex.ts";
import { constant, each, guardOf, isPlain, isText, textTest, textTruth, truth, truthOf } from "./symbol.ts";
import type { Symbolic, Truth } from "./symbol.ts";

/** What a function stands for; null where its arguments are not understood. `note` is told why something is not. */
type Known = (values: Symbolic[], note: (reason: string) => void) => Symbolic | null;

const ASCII = /^\p{ASCII}*$/u;

/** JSONata's functions and the rules' own, as far as they are understood: by name and number of arguments. */
export const FUNCTIONS: Record<string, Known> = {
  "contains/2": ([value, of], note) => {
    const text = constantText(of!);
    if (text !== null)
      return each(value!, (one) => (text === "" ? truth(true, true, false) : textTruth("contains", one, [text])));
    return of!.type === "regex" ? { ...matches(value!, of, note), strict: true } : null;
  },
  "match/2": ([value, of], note) => (of!.type === "regex" ? matches(value!, of, note) : null),
  "startsWith/2": ([value, of]) => anyText("prefix", value!, of!),
  "endsWith/2": ([value, of]) => anyText("suffix", value!, of!),
  "cidr/2": ([value, of]) => {
    const ranges = textsOf(of!);
    if (ranges === null) return null;
    return anyOf(value!, (one) =>
      truth(one.type === "field" ? and(one.guard, atom("cidr", one.path, ranges)) : guardOf(one), true),
    );
  },
  "lowercase/1": ([value]) => changed(value!, "lower"),
  "uppercase/1": ([value]) => changed(value!, "upper"),
  "substring/2": ([value, start]) => part(value!, start!, null),
  "substring/3": ([value, start, length]) => part(value!, start!, length!),
  "exists/1": ([value]) => {
    if (!isText(value!)) return truth(guardOf(value!), true);
    const test = atom("exists", value.path);
    return truth(and(value.guard, test), isPlain(value) && value.type === "field" ? negated(test) : true);
  },
  "not/1": ([value]) => {
    const { yes, no } = truthOf(value!);
    const defined = value!.type === "boolean" && value.defined;
    return truth(no, defined ? yes : true, defined);
  },
  "boolean/1": ([value]) => {
    const { yes, no } = truthOf(value!);
    return truth(yes, no, value!.type === "boolean" && value.defined);
  },
  /** What is looked up in a known mapping is there only for its keys. */
  "lookup/2": ([value, key]) => {
    if (value!.type !== "constant" || key!.type !== "field" || !isMapping(value.value)) return null;
    return { type: "unknown", guard: and(key.guard, atom("in", key.path, Object.keys(value.value))) };
  },
};

function matches(value: Symbolic, regex: Extract<Symbolic, { type: "regex" }>, note: (reason: string) => void): Truth {
  return each(value, (one) => {
    if (!isText(one)) return truth(guardOf(one), true, false, false);
    const { formula, reason } = regexFormula(regex.source, regex.flags, (place, text, fold): Formula => {
      if (!fold) return textTest(place, one, text);
      return ASCII.test(text) ? atom(place, one.path, [text.toLowerCase()], true) : true;
    });
    if (reason !== null) note(reason);
    return truth(and(one.guard, formula), true, false, false);
  });
}

/** The rules' own functions take lists on either side, and are false where something is missing. */
function anyText(op: "prefix" | "suffix", value: Symbolic, of: Symbolic): Truth | null {
  const texts = textsOf(of);
  return texts === null ? null : anyOf(value, (one) => textTruth(op, one, texts, true));
}

function anyOf(value: Symbolic, test: (one: Symbolic) => Truth): Truth {
  const list = value.type === "constant" && Array.isArray(value.value) ? value.value.map(constant) : null;
  const items = value.type === "array" ? value.items : list;
  if (items === null) return each(value, test);
  const results = items.map((item) => each(item, test));
  return truth(or(...results.map(({ yes }) => yes)), and(...results.map(({ no }) => no)));
}

function changed(value: Symbolic, to: "lower" | "upper"): Symbolic | null {
  if (value.type === "field") return { ...value, type: "case", to };
  if (value.type === "case") return value.to === to ? value : null;
  if (value.type === "choice") {
    const options = value.options.map(({ when, is }) => ({ when, is: changed(is, to) }));
    return options.some(({ is }) => is === null) ? null : ({ type: "choice", options } as Symbolic);
  }
  const text = constantText(value);
  return text === null ? null : constant(to === "lower" ? text.toLowerCase() : text.toUpperCase());
}

function part(of: Symbolic, start: Symbolic, length: Symbolic | null): Symbolic | null {
  const from = constantNumber(start);
  const size = length === null ? null : constantNumber(length);
  if (!isText(of) || from === null || (length !== null && (size === null || size <= 0))) return null;
  return { type: "part", of, start: from, length: size, guard: of.guard };
}

function constantText(it: Symbolic): string | null {
  return it.type === "constant" && typeof it.value === "string" ? it.value : null;
}

function constantNumber(it: Symbolic): number | null {
  return it.type === "constant" && Number.isInteger(it.value) ? (it.value as number) : null;
}

/** Constant texts; what is none is passed over, as the rules' functions do. */
function textsOf(it: Symbolic): string[] | null {
  if (it.type === "array")
    return it.items.every(({ type }) => type === "constant") ? it.items.flatMap((item) => textsOf(item)!) : null;
  if (it.type !== "constant") return null;
  return (Array.isArray(it.value) ? (it.value as unknown[]) : [it.value]).filter((item) => typeof item === "string");
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
