import { alphabetOf, treeOf } from "./alphabet.ts";
import type { Entry } from "./alphabet.ts";
import type { Candidates } from "./candidates.ts";

/** Finds all of a set of texts anywhere in another in one walk over it, however many they are. */
export class AhoCorasick {
  readonly #codes: Uint8Array;
  readonly #size: number;
  /** By state (a node times size) plus code: the next state. */
  readonly #next: Int32Array;
  /** States from this one on have found something. */
  readonly #firstFound: number;
  readonly #found: Int32Array[];

  constructor(entries: readonly Entry[]) {
    const alphabet = alphabetOf(entries.map(({ text }) => text));
    const size = alphabet.size;
    const { nodes, units } = treeOf(entries, alphabet, false);
    const next = new Int32Array(nodes.length * size);
    const fallback = new Int32Array(nodes.length);
    const order = [0];
    for (let head = 0; head < order.length; head++) {
      const node = order[head]!;
      const inherited = units[fallback[node]!];
      if (node !== 0 && inherited) units[node] = new Set([...(units[node] ?? []), ...inherited]);
      for (let code = 0; code < size; code++) {
        const child = nodes[node]!.get(code);
        const otherwise = node === 0 ? 0 : next[fallback[node]! * size + code]!;
        next[node * size + code] = child ?? otherwise;
        if (child === undefined) continue;
        fallback[child] = otherwise;
        order.push(child);
      }
    }
    // States that find something stand last, so that one comparison a character tells.
    const silent = order.filter((node) => !units[node]?.size);
    const finding = order.filter((node) => units[node]?.size);
    const place = new Int32Array(nodes.length);
    for (const [n, node] of [...silent, ...finding].entries()) place[node] = n;
    this.#next = new Int32Array(nodes.length * size);
    for (let node = 0; node < nodes.length; node++) {
      for (let code = 0; code < size; code++)
        this.#next[place[node]! * size + code] = place[next[node * size + code]!]! * size;
    }
    this.#codes = alphabet.codes;
    this.#size = size;
    this.#firstFound = silent.length * size;
    this.#found = finding.map((node) => Int32Array.from(units[node]!));
  }

  /** Returns whether the text has characters that are no ASCII. */
  find(text: string, start: number, end: number, into: Candidates): boolean {
    const codes = this.#codes;
    const next = this.#next;
    const firstFound = this.#firstFound;
    let state = 0;
    let foreign = false;
    for (let at = start; at < end; at++) {
      const char = text.charCodeAt(at);
      if (char < 128) state = next[state + codes[char]!]!;
      else {
        state = 0;
        foreign = true;
      }
      if (state >= firstFound) into.add(this.#found[(state - firstFound) / this.#size]!);
    }
    return foreign;
  }
}
