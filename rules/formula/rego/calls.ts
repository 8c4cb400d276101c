import { and, atom, isAtom, negated, opposite, or } from "../../../bus/formula/formula.ts";
import type { Formula, Range } from "../../../bus/formula/formula.ts";
import { ELEMENT } from "../../../bus/formula/verify.ts";
import { regexFormula } from "../regex.ts";
import { constantsOf, elementsOf, equal, guardOf, isField, textsOf, textTest, UNKNOWN } from "./symbol.ts";
import type { Value } from "./symbol.ts";

const ASCII = /^\p{ASCII}*$/u;
const COMPARE: Record<string, (bound: number) => Range> = {
  gt: (min) => ({ min, above: true, other: true }),
  gte: (min) => ({ min, other: true }),
  lt: (max) => ({ max, below: true, other: true }),
  lte: (max) => ({ max, other: true }),
};
const MIRROR: Record<string, string> = { gt: "lt", gte: "lte", lt: "gt", lte: "gte" };
const TYPES: Record<string, string> = {
  is_string: "string",
  is_number: "number",
  is_boolean: "boolean",
  is_null: "null",
};

/** What must hold for a builtin to hold; null for one that is not known here. */
export function holds(name: string, values: Value[], note: (reason: string) => void): Formula | null {
  const [a, b] = values as [Value, Value];
  // With one more, the last is whether it holds: false is an answer too.
  if (values.length !== (TYPES[name] === undefined ? 2 : 1)) return null;
  for (const [n, value] of values.entries()) {
    if (value.type !== "choice") continue;
    const options = value.options.map(({ when, is }) => and(when, holds(name, values.with(n, is), note) ?? true));
    return or(...options);
  }
  switch (name) {
    case "startswith":
      return anyText("prefix", a, b);
    case "endswith":
      return anyText("suffix", a, b);
    case "contains":
      return anyText("contains", a, b);
    case "strings.any_prefix_match":
      return anyText("prefix", a, b);
    case "strings.any_suffix_match":
      return anyText("suffix", a, b);
    case "eq":
    case "equal":
    case "assign":
      return equal(a, b);
    case "neq":
      return unequal(a, b);
    case "internal.member_2":
      return member(a, b);
    case "regex.match":
    case "re_match":
      return matches(a, b, note);
    case "net.cidr_contains": {
      const ranges = textsOf(a);
      return ranges !== null && b.type === "field" ? atom("cidr", b.path, ranges) : guardOf(b);
    }
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return ordered(name, a, b);
    default:
      if (TYPES[name] !== undefined) return a.type === "field" ? atom("type", a.path, [TYPES[name]]) : guardOf(a);
      return null;
  }
}

/** What must hold for a builtin not to hold: only where it is known exactly when it does. */
export function fails(name: string, values: Value[]): Formula {
  const exact = ["startswith", "endswith", "contains", "eq", "equal", "internal.member_2"].includes(name);
  if (!exact || values.length !== 2 || values[0]?.type !== "field" || values[0].path.includes(ELEMENT)) return true;
  const of = values[1]!;
  const constants =
    of.type === "constant" && typeof of.value !== "object"
      ? [of.value]
      : elementsOf(of)?.flatMap((one) => constantsOf(one) ?? [null]);
  // Numbers are compared by Rego as they are written.
  if (constants === undefined || constants.some((one) => typeof one !== "string")) return true;
  const formula = holds(name, values, () => undefined);
  const plain =
    formula !== null &&
    (isAtom(formula) || (typeof formula === "object" && "or" in formula && formula.or.every(isAtom)));
  return plain ? opposite(formula) : true;
}

function anyText(op: "prefix" | "suffix" | "contains", value: Value, of: Value): Formula {
  const texts = textsOf(of);
  if (texts === null) return and(guardOf(value), guardOf(of));
  const values = elementsOf(value) ?? [value];
  return or(...values.flatMap((one) => texts.map((text) => (text === "" ? guardOf(one) : textTest(op, one, text)))));
}

function unequal(a: Value, b: Value): Formula {
  const [value, other] = constantsOf(a) === null ? [a, b] : [b, a];
  const constants = constantsOf(other);
  if (value.type !== "field" || value.path.length === 0) return and(guardOf(a), guardOf(b));
  const differs =
    constants?.length === 1 && typeof constants[0] === "string" ? textTest("in", value, constants[0]) : true;
  return and(guardOf(value), isAtom(differs) ? negated(differs) : true);
}

function member(value: Value, collection: Value): Formula {
  const elements = elementsOf(collection);
  if (elements !== null) return or(...elements.map((element) => equal(value, element)));
  if (collection.type === "choice")
    return or(...collection.options.map(({ when, is }) => and(when, member(value, is))));
  return and(guardOf(value), guardOf(collection));
}

function matches(pattern: Value, value: Value, note: (reason: string) => void): Formula {
  const patterns = textsOf(pattern);
  if (patterns === null || !isField(value)) return guardOf(value);
  return or(
    ...patterns.map((source) => {
      const { formula, reason } = regexFormula(source, "", (place, text, fold) => {
        if (!fold) return textTest(place, value, text);
        return ASCII.test(text) ? textTest(place, { ...value, type: "lower" }, text.toLowerCase()) : true;
      });
      if (reason !== null) note(reason);
      return formula;
    }),
  );
}

function ordered(name: string, a: Value, b: Value): Formula {
  const flipped = constantsOf(a) !== null;
  const [value, bound] = flipped ? [b, a] : [a, b];
  const [limit, ...more] = constantsOf(bound) ?? [];
  if (value.type !== "field" || typeof limit !== "number" || more.length > 0) return and(guardOf(a), guardOf(b));
  return atom("range", value.path, [COMPARE[flipped ? MIRROR[name]! : name]!(limit)]);
}

/** What a builtin gives, by its name and arguments. */
export function result(name: string, values: Value[]): Value {
  const [a, b, c] = values;
  if (a?.type === "choice") {
    return {
      type: "choice",
      options: a.options.map(({ when, is }) => ({ when, is: result(name, [is, ...values.slice(1)]) })),
    };
  }
  switch (name) {
    case "lower":
      return a?.type === "field" ? { ...a, type: "lower" } : a?.type === "lower" ? a : UNKNOWN;
    case "split":
      return a !== undefined && isField(a)
        ? { type: "pieces", of: a, by: b?.type === "constant" && typeof b.value === "string" ? b.value : null }
        : UNKNOWN;
    case "count":
      return a?.type === "pieces" ? { type: "count", of: a.of } : UNKNOWN;
    case "minus":
      return a?.type === "count" && b?.type === "constant" && b.value === 1 ? { type: "lastIndex", of: a.of } : UNKNOWN;
    case "trim_right":
    case "trim_left":
    case "trim":
    case "trim_prefix":
    case "trim_suffix":
    case "trim_space":
    case "substring":
      return pieceOf(a);
    case "object.get":
      return withDefault(a!, b!, c!);
    default:
      return UNKNOWN;
  }
}

function pieceOf(value: Value | undefined): Value {
  if (value === undefined) return UNKNOWN;
  if (value.type === "piece") return { ...value, last: false, by: null };
  return isField(value) ? { type: "piece", of: value, last: false, by: null } : UNKNOWN;
}

function withDefault(object: Value, key: Value, otherwise: Value): Value {
  const names =
    key.type === "list" || typeof constantsOf(key)?.[0] === "object"
      ? textsOf(key)
      : key.type === "constant"
        ? textsOf(key)
        : null;
  return object.type === "field" && names !== null && !object.path.includes(ELEMENT)
    ? { type: "default", path: [...object.path, ...names], otherwise }
    : UNKNOWN;
}
