import type { Atom } from "../../bus/formula/formula.ts";
import { anyValueAt, testOf, UNCLEAR } from "../../bus/formula/verify.ts";
import type { Entry } from "./alphabet.ts";
import { AhoCorasick } from "./aho-corasick.ts";
import type { Candidates } from "./candidates.ts";
import { literalOf } from "./literal.ts";
import type { LiteralOp } from "./literal.ts";
import { Trie } from "./trie.ts";

/** All atoms of covers on one field: what the units of a value are. */
export class FieldIndex {
  readonly path: readonly string[];
  readonly #valuesAt: ReturnType<typeof anyValueAt>;
  readonly #forward: Trie | null;
  readonly #backward: Trie | null;
  readonly #inside: AhoCorasick | null;
  readonly #values: Map<unknown, Int32Array> | null;
  readonly #tests: { test: (value: unknown) => unknown; units: Int32Array }[];
  /** Units whose texts are compared without case: anything that is no ASCII may be one of theirs. */
  readonly #folded: Int32Array;
  readonly #all: Int32Array;

  constructor(path: readonly string[], atoms: readonly { atom: Atom; unit: number }[]) {
    this.path = path;
    this.#valuesAt = anyValueAt(path);
    const texts: Record<LiteralOp, Map<string, Set<number>>> = {
      in: new Map(),
      prefix: new Map(),
      suffix: new Map(),
      contains: new Map(),
    };
    const values = new Map<unknown, Set<number>>();
    this.#tests = [];
    for (const { atom, unit } of atoms) {
      if (!isLiteral(atom.op)) {
        this.#tests.push({ test: testOf(atom), units: Int32Array.of(unit) });
        continue;
      }
      for (const value of atom.values) {
        const literal = typeof value === "string" ? literalOf(atom.op, value) : null;
        if (literal !== null) add(texts[literal.op], literal.text, unit);
        else if (typeof value === "string") this.#tests.push({ test: testOf(atom), units: Int32Array.of(unit) });
        else add(values, value, unit);
      }
    }
    const { in: whole, prefix, suffix, contains } = texts;
    this.#forward = whole.size + prefix.size > 0 ? new Trie(entries(prefix), entries(whole), false) : null;
    this.#backward = suffix.size > 0 ? new Trie(entries(suffix), [], true) : null;
    this.#inside = contains.size > 0 ? new AhoCorasick(entries(contains)) : null;
    this.#values =
      values.size > 0 ? new Map([...values].map(([value, units]) => [value, Int32Array.from(units)])) : null;
    this.#folded = unitsOf(atoms.filter(({ atom }) => atom.fold));
    this.#all = unitsOf(atoms);
  }

  /** The candidates of an event that was parsed. */
  event(event: unknown, into: Candidates): void {
    this.#valuesAt(event, (value) => {
      this.value(value, into);
      return false;
    });
  }

  /** The candidates of a value: a scalar, undefined, or UNCLEAR. */
  value(value: unknown, into: Candidates): void {
    if (typeof value === "string") this.text(value, 0, value.length, into);
    else if (
      value === UNCLEAR ||
      (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value))
    ) {
      into.add(this.#all);
      return;
    } else if (this.#values !== null) {
      const units = this.#values.get(value);
      if (units !== undefined) into.add(units);
    }
    if (this.#tests.length > 0) this.#test(value, into);
  }

  /** The candidates of a text that is a part of another. Only literals: `needsValue` says whether that is enough. */
  text(text: string, start: number, end: number, into: Candidates): void {
    let foreign: boolean | null = null;
    if (this.#inside !== null) foreign = this.#inside.find(text, start, end, into);
    if (this.#forward !== null) this.#forward.find(text, start, end, into);
    if (this.#backward !== null) this.#backward.find(text, start, end, into);
    if (this.#folded.length > 0 && (foreign ?? isForeign(text, start, end))) into.add(this.#folded);
  }

  /** Whether a text has to be handed over as a value of its own. */
  get needsValue(): boolean {
    return this.#tests.length > 0;
  }

  #test(value: unknown, into: Candidates): void {
    for (const { test, units } of this.#tests) if (test(value) !== false) into.add(units);
  }
}

/** Whether there is more than ASCII in a text. */
function isForeign(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text.charCodeAt(at) >= 128) return true;
  return false;
}

function isLiteral(op: Atom["op"]): op is LiteralOp {
  return op === "in" || op === "prefix" || op === "suffix" || op === "contains";
}

function add<K>(map: Map<K, Set<number>>, key: K, unit: number): void {
  const units = map.get(key);
  if (units === undefined) map.set(key, new Set([unit]));
  else units.add(unit);
}

function entries(map: Map<string, Set<number>>): Entry[] {
  return [...map].map(([text, units]) => ({ text, units: [...units] }));
}

function unitsOf(atoms: readonly { unit: number }[]): Int32Array {
  return Int32Array.from(new Set(atoms.map(({ unit }) => unit)));
}
