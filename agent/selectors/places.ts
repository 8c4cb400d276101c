import { WORDS } from "./bitmaps.ts";
import type { NormalSelector } from "./normalize.ts";
import { type Kind, kindOf, scoreOf } from "./order.ts";

/** Selectors of a hook that the tables take, whatever their kinds and priorities. */
export const MAX_SELECTORS = 10_240;

/** How finely selectors are sorted into words: alike ones together, as far as there are words for it. */
const FINENESS = [2, 1, 0] as const;
type Fineness = (typeof FINENESS)[number];
/** Words that a first distribution leaves for what comes later. */
const SPARE_WORDS = 32;

interface Word {
  kind: Kind;
  group: string;
  used: number;
  /** No selector of the word scores more. */
  best: number;
}

/**
 * Gives selectors their places. A word has selectors of one kind; beyond that, those that ask for the same operands at the
 * same priority stand together, so that a word is empty for most events. A place is given once.
 */
export class Places {
  readonly words: Word[] = [];
  readonly #open = new Map<string, number>();
  readonly #fineness: Fineness;

  /** Sorts by what is best for these, which are then to be placed. */
  constructor(selectors: readonly NormalSelector[]) {
    this.#fineness = FINENESS.find((fineness) => wordsFor(selectors, fineness) <= WORDS - SPARE_WORDS) ?? 0;
  }

  /** A place for a selector; undefined when no word has room. */
  take(selector: NormalSelector): number | undefined {
    const number = this.#wordFor(selector);
    if (number === undefined) return undefined;
    const word = this.words[number]!;
    const place = number * 64 + word.used++;
    if (word.used === 64 && this.#open.get(word.group) === number) this.#open.delete(word.group);
    word.best = Math.max(word.best, scoreOf(selector, place));
    return place;
  }

  /** Takes in that a selector scores differently at the place that it has. */
  raise(selector: NormalSelector, place: number): void {
    const word = this.words[place >> 6]!;
    word.best = Math.max(word.best, scoreOf(selector, place));
  }

  #wordFor(selector: NormalSelector): number | undefined {
    const group = groupOf(selector, this.#fineness);
    const open = this.#open.get(group);
    if (open !== undefined) return open;
    const kind = kindOf(selector);
    if (this.words.length < WORDS) {
      const number = this.words.push({ kind, group, used: 0, best: 0 }) - 1;
      this.#open.set(group, number);
      return number;
    }
    const number = this.words.findIndex((word) => word.kind === kind && word.used < 64);
    return number < 0 ? undefined : number;
  }
}

function groupOf(selector: NormalSelector, fineness: Fineness): string {
  const kind = kindOf(selector);
  if (fineness === 0) return String(kind);
  const { priority, action, conditions } = selector;
  if (fineness === 1) return `${kind} ${priority} ${action}`;
  let low = 0;
  let high = 0;
  for (const { operand } of conditions)
    if (operand < 32) low |= 1 << operand;
    else high |= 1 << (operand - 32);
  return `${kind} ${priority} ${action} ${low} ${high}`;
}

function wordsFor(selectors: readonly NormalSelector[], fineness: Fineness): number {
  const counts = new Map<string, number>();
  for (const selector of selectors) {
    const group = groupOf(selector, fineness);
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return [...counts.values()].reduce((sum, count) => sum + Math.ceil(count / 64), 0);
}
