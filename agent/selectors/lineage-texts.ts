import type { Condition } from "./condition.ts";
import { SelectorError } from "./errors.ts";

/** Bits of a process's lineage: what selectors may list of ancestors' binaries, on all hooks together. */
const MOST = 64;

/** A text of an ancestor's binary, whole or as a beginning. */
export interface LineageText {
  text: string;
  prefix: boolean;
  bit: bigint;
}

type AncestorsCondition = Extract<Condition, { type: "ancestors" }>;

/** The texts that selectors list of ancestors' binaries: a bit for each. */
export class LineageTexts {
  readonly #texts = new Map<string, LineageText>();

  /** The bits of these texts; new ones get theirs. @throws SelectorError `limit` */
  bitsOf(texts: readonly string[], prefix: boolean): bigint {
    let bits = 0n;
    for (const text of texts) bits |= this.#of(text, prefix).bit;
    return bits;
  }

  get size(): number {
    return this.#texts.size;
  }

  all(): LineageText[] {
    return [...this.#texts.values()];
  }

  /** Forgets the texts that none of these conditions lists; returns their bits, which then may become other texts'. */
  keep(conditions: Iterable<AncestorsCondition>): bigint {
    const used = new Set<string>();
    for (const { texts, prefix } of conditions) for (const text of texts) used.add(keyOf(text, prefix));
    let gone = 0n;
    for (const [key, { bit }] of this.#texts) {
      if (used.has(key)) continue;
      this.#texts.delete(key);
      gone |= bit;
    }
    return gone;
  }

  /** The bits of a binary: those of itself and of each of its beginnings that is listed. */
  of(binary: string): bigint {
    let bits = 0n;
    for (const { text, prefix, bit } of this.#texts.values())
      if (prefix ? binary.startsWith(text) : binary === text) bits |= bit;
    return bits;
  }

  #of(text: string, prefix: boolean): LineageText {
    const key = keyOf(text, prefix);
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const taken = [...this.#texts.values()].reduce((bits, { bit }) => bits | bit, 0n);
    for (let place = 0; place < MOST; place++) {
      const bit = 1n << BigInt(place);
      if ((taken & bit) !== 0n) continue;
      const one = { text, prefix, bit };
      this.#texts.set(key, one);
      return one;
    }
    throw new SelectorError(
      "limit",
      `selectors list ${MOST} binaries of ancestors already, which is all that is taken`,
    );
  }
}

function keyOf(text: string, prefix: boolean): string {
  return `${prefix ? "prefix" : "whole"} ${text}`;
}
