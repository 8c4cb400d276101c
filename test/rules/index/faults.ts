import { isAtom } from "../../../bus/formula/formula.ts";
import type { Atom, Formula, Range } from "../../../bus/formula/formula.ts";
import { UNCLEAR } from "../../../bus/formula/verify.ts";
import { AhoCorasick } from "../../../rules/index/aho-corasick.ts";
import { Candidates } from "../../../rules/index/candidates.ts";
import { FieldIndex } from "../../../rules/index/field-index.ts";
import { Skim } from "../../../rules/index/skim.ts";
import { Trie } from "../../../rules/index/trie.ts";
import type { RuleIndex, RuleSet } from "../../../rules/model/rule-set.ts";

/** A mistake that an index could have. `inject` makes it and returns the set with it; disposing takes it back. */
export interface Fault {
  name: string;
  inject: (set: RuleSet) => { set: RuleSet } & Disposable;
}

/** Mistakes of the formulas: in the data that a rule set carries. */
function inData(name: string, change: (atom: Atom) => Formula, where: "formula" | "cover" | "both" = "both"): Fault {
  return {
    name,
    inject: (set) => ({ set: { ...set, index: changed(set.index, change, where) }, [Symbol.dispose]: () => undefined }),
  };
}

/** Mistakes of the code: a method is replaced. */
function inCode<T extends object, K extends keyof T>(
  name: string,
  of: T,
  method: K,
  replace: (original: T[K]) => T[K],
): Fault {
  return {
    name,
    inject: (set) => {
      const original = of[method];
      of[method] = replace(original);
      return { set, [Symbol.dispose]: () => void (of[method] = original) };
    },
  };
}

export const FAULTS: Fault[] = [
  inData("a text of several is forgotten", (it) => (it.values.length > 1 ? { ...it, values: it.values.slice(1) } : it)),
  inData("a beginning is taken for the whole", (it) => (it.op === "prefix" ? { ...it, op: "in" } : it)),
  inData("an end is taken for the whole", (it) => (it.op === "suffix" ? { ...it, op: "in" } : it)),
  inData("a part is taken for a beginning", (it) => (it.op === "contains" ? { ...it, op: "prefix" } : it)),
  inData("case counts where it does not", (it) => without(it, "fold"), "formula"),
  inData("a negation is lost", (it) => without(it, "not"), "formula"),
  inData("a bound is not in its range", (it) => (it.op === "range" ? { ...it, values: it.values.map(open) } : it)),
  inData(
    "a field must be there that may be missing",
    (it) => ({ and: [it, { op: "exists", path: ["process", "script"], values: [] }] }),
    "formula",
  ),
  inData("a range of addresses is too small", (it) =>
    it.op === "cidr" ? { ...it, values: it.values.map((range) => (range as string).replace("/8", "/16")) } : it,
  ),
  inData("null is taken for false", (it) => (it.op === "in" && it.values.includes(0) ? { ...it, values: [] } : it)),
  {
    name: "of an OR only the first part counts",
    inject: (set) => ({ set: { ...set, index: firstOnly(set.index) }, [Symbol.dispose]: () => undefined }),
  },
  inCode(
    "a list where a text should be is nothing",
    FieldIndex.prototype,
    "value",
    (original) =>
      function (this: FieldIndex, value, into) {
        if (value !== UNCLEAR) original.call(this, value, into);
      },
  ),
  inCode(
    "characters past ASCII cannot fold into it",
    FieldIndex.prototype,
    "text",
    (original) =>
      function (this: FieldIndex, text, start, end, into) {
        const before = into.count;
        original.call(this, text, start, end, into);
        // eslint-disable-next-line no-control-regex
        if (/[^\u0000-\u007f]/.test(text.slice(start, end))) into.count = before;
      },
  ),
  inCode(
    "the last character of a text is not read",
    FieldIndex.prototype,
    "text",
    (original) =>
      function (this: FieldIndex, text, start, end, into) {
        original.call(this, text, start, end - 1, into);
      },
  ),
  inCode(
    "of an automaton only what begins the text is found",
    AhoCorasick.prototype,
    "find",
    (original) =>
      function (this: AhoCorasick, text, start, end, into) {
        return original.call(this, text, start, Math.min(end, start + 6), into);
      },
  ),
  inCode(
    "a tree finds nothing in a text of two",
    Trie.prototype,
    "find",
    (original) =>
      function (this: Trie, text, start, end, into) {
        if (end - start > 9) original.call(this, text, start, end, into);
      },
  ),
  inCode(
    "a unit of an earlier event is taken for seen",
    Candidates.prototype,
    "begin",
    (original) =>
      function (this: Candidates) {
        if (this.list.length === 0 || this.count === 0) original.call(this);
        else this.count = 0;
      },
  ),
  inCode(
    "a text with escapes is passed over before it is parsed",
    Skim.prototype,
    "concerns",
    (original) =>
      function (this: Skim, text, start, kind, node) {
        const end = text.indexOf("\n", start);
        const line = text.slice(start, end < 0 ? undefined : end);
        return original.call(this, line.replace(/"[^"]*\\[^"]*"/g, '""'), 0, kind, node);
      },
  ),
  inCode("no event concerns a rule before it is parsed", Skim.prototype, "concerns", () => () => false),
];

function without(it: Atom, what: "fold" | "not"): Atom {
  const rest = { ...it };
  delete rest[what];
  return rest;
}

function open(range: unknown): Range {
  const { min, max } = range as Range;
  return {
    ...(min === undefined ? {} : { min, above: true as const }),
    ...(max === undefined ? {} : { max, below: true as const }),
  };
}

function changed(index: RuleIndex, change: (atom: Atom) => Formula, where: "formula" | "cover" | "both"): RuleIndex {
  return mapped(index, (formula, cover) => ({
    formula: where === "cover" ? formula : each(formula, change),
    cover: where === "formula" ? cover : (cover?.map(change).filter(isAtom) ?? null),
  }));
}

function firstOnly(index: RuleIndex): RuleIndex {
  const first = (formula: Formula): Formula => {
    if (typeof formula === "boolean" || isAtom(formula)) return formula;
    return "or" in formula ? first(formula.or[0]!) : { and: formula.and.map(first) };
  };
  return mapped(index, (formula, cover) => ({ formula: first(formula), cover }));
}

function mapped(
  index: RuleIndex,
  change: (formula: Formula, cover: Atom[] | null) => { formula: Formula; cover: Atom[] | null },
): RuleIndex {
  const entries = Object.entries(index).map(([key, kinds]) => [
    key,
    Object.fromEntries(Object.entries(kinds).map(([kind, { formula, cover }]) => [kind, change(formula, cover)])),
  ]);
  return Object.fromEntries(entries) as RuleIndex;
}

function each(formula: Formula, change: (atom: Atom) => Formula): Formula {
  if (typeof formula === "boolean") return formula;
  if (isAtom(formula)) return change(formula);
  return "and" in formula
    ? { and: formula.and.map((part) => each(part, change)) }
    : { or: formula.or.map((part) => each(part, change)) };
}
