import { cidrContains } from "./cidr.ts";
import { isAtom } from "./formula.ts";
import type { Atom, AtomValue, Formula, Range } from "./formula.ts";

/** What stands at a path where a single value is expected and an array or object is: both languages may look into it. */
export const UNCLEAR = Symbol("unclear");

const NON_ASCII = /\P{ASCII}/u;
const PROTOTYPE = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Whether an event may meet a formula: false only where the rule certainly finds nothing. */
export type Verify = (event: unknown) => boolean;

export function compileFormula(formula: Formula): Verify {
  if (typeof formula === "boolean") return () => formula;
  if (isAtom(formula)) return compileAtom(formula);
  const parts = ("and" in formula ? formula.and : formula.or).map(compileFormula);
  const decides = "or" in formula;
  return (event) => {
    for (const part of parts) if (part(event) === decides) return decides;
    return !decides;
  };
}

/** In a path: any element of the list that is there; a value that is no list counts as one of itself. */
export const ELEMENT = "[]";

/** The value at a path without elements: a scalar, undefined, or UNCLEAR. */
export function valueAt(path: readonly string[]): (event: unknown) => unknown {
  if (path.some((name) => PROTOTYPE.has(name))) return () => UNCLEAR; // JSONata sees what every object has
  return (event) => {
    let value = event;
    for (const name of path) {
      if (typeof value !== "object" || value === null) return undefined;
      if (Array.isArray(value)) return UNCLEAR;
      value = (value as Record<string, unknown>)[name];
    }
    return typeof value === "object" && value !== null ? UNCLEAR : value;
  };
}

/** Calls with each value at a path, as `valueAt` gives them; ends when the call returns true, and returns that. */
export function anyValueAt(path: readonly string[]): (event: unknown, call: (value: unknown) => boolean) => boolean {
  const at = path.indexOf(ELEMENT);
  const get = valueAt(at < 0 ? path : path.slice(0, at));
  if (at < 0) return (event, call) => call(get(event));
  const list = listAt(path.slice(0, at));
  const inner = anyValueAt(path.slice(at + 1));
  return (event, call) => {
    const elements = list(event);
    if (elements === null) return call(at + 1 === path.length ? get(event) : UNCLEAR);
    for (const element of elements) {
      if (Array.isArray(element) ? call(UNCLEAR) : inner(element, call)) return true;
    }
    return false;
  };
}

function listAt(path: readonly string[]): (event: unknown) => unknown[] | null {
  return (event) => {
    let value = event;
    for (const name of path) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
      value = (value as Record<string, unknown>)[name];
    }
    return Array.isArray(value) ? (value as unknown[]) : null;
  };
}

/** Whether a value lets an atom hold: a scalar, undefined where there is none, or UNCLEAR. */
export function passesOf(it: Atom): (value: unknown) => boolean {
  const test = testOf(it);
  const holds = it.not !== true;
  return (value) => {
    if (value === UNCLEAR) return true;
    const result = test(value);
    return result === UNCLEAR || result === holds;
  };
}

export function compileAtom(it: Atom): Verify {
  const passes = passesOf(it);
  if (it.path.includes(ELEMENT)) {
    const any = anyValueAt(it.path);
    return (event) => any(event, passes);
  }
  const get = valueAt(it.path);
  return (event) => passes(get(event));
}

type Test = (value: unknown) => boolean | typeof UNCLEAR;

/** An atom's test of a value that is no array or object, without its `not`. */
export function testOf({ op, values, fold }: Atom): Test {
  switch (op) {
    case "in":
      return fold ? folded(values, (text, of) => text === of) : oneOf(new Set(values));
    case "prefix":
      return texts(values, fold, (text, of) => text.startsWith(of));
    case "suffix":
      return texts(values, fold, (text, of) => text.endsWith(of));
    case "contains":
      return texts(values, fold, (text, of) => text.includes(of));
    case "cidr":
      return (value) =>
        typeof value === "string" ? anyOf(values.map((range) => inside(range as string, value))) : false;
    case "range":
      return (value) => anyOf(values.map((range) => inRange(value, range as Range)));
    case "exists":
      return (value) => value !== undefined;
    case "truthy":
      return (value) => Boolean(value);
    case "set":
      return (value) => value !== undefined && value !== false;
    case "type":
      return (value) => values.includes(value === null ? "null" : typeof value);
    default:
      throw new Error(`there is no atom ${String(op)}`);
  }
}

/** Numbers past 2^53 are not what JSON said. */
function oneOf(values: ReadonlySet<AtomValue>): Test {
  return (value) =>
    typeof value === "number" && !Number.isSafeInteger(value) && Number.isInteger(value)
      ? UNCLEAR
      : values.has(value as AtomValue);
}

function inRange(value: unknown, { min, max, above, below, other }: Range): boolean | typeof UNCLEAR {
  if (typeof value !== "number") return other === true && value !== undefined ? UNCLEAR : false;
  // What JSON said is not what the number is: past 2^53, and with many decimals.
  if (Number.isInteger(value) ? !Number.isSafeInteger(value) : other === true) return UNCLEAR;
  if (min !== undefined && (above ? value <= min : value < min)) return false;
  return !(max !== undefined && (below ? value >= max : value > max));
}

/** An IPv4 address inside IPv6 is not the same to all. */
function inside(range: string, address: string): boolean | typeof UNCLEAR {
  return address.includes(":") && address.includes(".") ? UNCLEAR : (cidrContains(range, address) ?? UNCLEAR);
}

function anyOf(results: (boolean | typeof UNCLEAR)[]): boolean | typeof UNCLEAR {
  return results.includes(true) ? true : results.includes(UNCLEAR) ? UNCLEAR : false;
}

function texts(
  values: readonly AtomValue[],
  fold: true | undefined,
  test: (text: string, of: string) => boolean,
): Test {
  if (fold) return folded(values, test);
  return (value) => {
    if (typeof value !== "string") return false;
    for (const of of values) if (test(value, of as string)) return true;
    return false;
  };
}

/** What is no ASCII may fold into it (the Kelvin sign is a k), in each language in its own way. */
function folded(values: readonly AtomValue[], test: (text: string, of: string) => boolean): Test {
  return (value) => {
    if (typeof value !== "string") return false;
    const text = value.toLowerCase();
    for (const of of values) if (test(text, of as string)) return true;
    return NON_ASCII.test(value) ? UNCLEAR : false;
  };
}
