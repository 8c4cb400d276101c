import { alphabetOf, treeOf } from "./alphabet.ts";
import type { Entry } from "./alphabet.ts";
import type { Candidates } from "./candidates.ts";

/** Finds all of a set of texts with which another begins (or ends), in one walk over it. */
export class Trie {
  readonly #codes: Uint8Array;
  readonly #size: number;
  /** By node times size plus code: the next node times size, -1 where there is none. */
  readonly #next: Int32Array;
  readonly #units: (Int32Array | null)[];
  readonly #backward: boolean;
  /** Units of texts that must be the whole. */
  readonly #whole: (Int32Array | null)[];

  constructor(parts: readonly Entry[], whole: readonly Entry[], backward: boolean) {
    const alphabet = alphabetOf([...parts, ...whole].map(({ text }) => text));
    const all = [
      ...parts.map((entry) => ({ ...entry, units: [] })),
      ...whole.map((entry) => ({ ...entry, units: [] })),
      ...parts,
    ];
    const { nodes, units } = treeOf(all, alphabet, backward);
    this.#codes = alphabet.codes;
    this.#size = alphabet.size;
    this.#backward = backward;
    this.#next = new Int32Array(nodes.length * this.#size).fill(-1);
    for (const [node, steps] of nodes.entries())
      for (const [code, to] of steps) this.#next[node * this.#size + code] = to * this.#size;
    this.#units = units.map(listOf);
    this.#whole = nodes.map(() => null);
    for (const { text, units: of } of whole) this.#whole[this.#nodeOf(text)] = Int32Array.from(of);
  }

  find(text: string, start: number, end: number, into: Candidates): void {
    const codes = this.#codes;
    const next = this.#next;
    const size = this.#size;
    const step = this.#backward ? -1 : 1;
    let at = this.#backward ? end - 1 : start;
    let node = 0;
    for (let left = end - start; left > 0; left--, at += step) {
      const char = text.charCodeAt(at);
      if (char >= 128) return;
      node = next[node + codes[char]!]!;
      if (node < 0) return;
      const units = this.#units[node / size];
      if (units != null) into.add(units);
    }
    const whole = this.#whole[node / size];
    if (whole != null) into.add(whole);
  }

  #nodeOf(text: string): number {
    let node = 0;
    for (let n = 0; n < text.length; n++) node = this.#next[node + this.#codes[text.charCodeAt(n)]!]!;
    return node / this.#size;
  }
}

function listOf(units: Set<number> | null): Int32Array | null {
  return units === null || units.size === 0 ? null : Int32Array.from(units);
}
