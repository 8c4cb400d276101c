import { MATCHED, truth, UNKNOWN } from "./jsonata-known-value.ts";

/** What a function of JSONata gives for single values, none of them UNKNOWN; `regex` is its second argument where that is one. */
type KnownFunction = (values: readonly [unknown, unknown?, unknown?], regex: RegExp | null) => unknown;

const SURROGATE = /[\ud800-\udfff]/;

/** By name and number of arguments. An argument of another type is an error, so UNKNOWN; a missing one makes it missing. */
export const KNOWN_FUNCTIONS: Record<string, KnownFunction> = {
  "not/1": ([value]) => (value === undefined ? undefined : negated(truth(value))),
  "boolean/1": ([value]) => (value === undefined ? undefined : truth(value)),
  "exists/1": ([value]) => (Array.isArray(value) ? UNKNOWN : value !== undefined),
  "lowercase/1": ([value]) => ofText(value, (text) => text.toLowerCase()),
  "uppercase/1": ([value]) => ofText(value, (text) => text.toUpperCase()),
  "contains/2": ([value, of], regex) => {
    if (regex !== null) return ofText(value, (text) => firstMatch(text, regex));
    return typeof of === "string" ? ofText(value, (text) => text.includes(of)) : UNKNOWN;
  },
  "match/2": ([value], regex) =>
    ofText(value, (text) => {
      if (regex === null) return UNKNOWN;
      const matches = [...text.matchAll(withFlag(regex, "g"))];
      return matches.some(([whole]) => whole === "") ? UNKNOWN : matches.length > 0 ? MATCHED : undefined;
    }),
  "substring/2": ([value, start]) => ofText(value, (text) => part(text, start, undefined)),
  "substring/3": ([value, start, length]) =>
    length === undefined ? UNKNOWN : ofText(value, (text) => part(text, start, length)),
};

function ofText(value: unknown, call: (text: string) => unknown): unknown {
  return typeof value === "string" ? call(value) : value === undefined ? undefined : UNKNOWN;
}

/** A match of no length is an error to JSONata. */
function firstMatch(text: string, regex: RegExp): unknown {
  const found = withFlag(regex, "").exec(text);
  return found === null ? false : found[0] === "" ? UNKNOWN : true;
}

const made = new WeakMap<RegExp, Record<string, RegExp>>();

/** The same expression with "g" or without it: one with "g" remembers where it was. */
function withFlag(regex: RegExp, flag: "g" | ""): RegExp {
  let both = made.get(regex);
  if (both === undefined) made.set(regex, (both = {}));
  return (both[flag] ??= new RegExp(regex.source, regex.flags.replace("g", "") + flag));
}

/** Counts code points, so that a pair of surrogates is left to JSONata. */
function part(text: string, start: unknown, length: unknown): unknown {
  if (SURROGATE.test(text) || !Number.isInteger(start)) return UNKNOWN;
  const from = start as number;
  if (length === undefined) return text.length + from < 0 ? text : text.slice(from);
  if (!Number.isInteger(length) || (length as number) <= 0 || from < 0) return UNKNOWN;
  return text.slice(from, from + (length as number));
}

function negated(value: boolean | typeof UNKNOWN): boolean | typeof UNKNOWN {
  return value === UNKNOWN ? UNKNOWN : !value;
}
