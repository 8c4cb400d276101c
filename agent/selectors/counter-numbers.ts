import type { BpfMap } from "../kernel/map.ts";
import { SelectorError } from "./errors.ts";
import { type Counters, decodeCounters, SIZES, u32 } from "./layout.ts";

/** Stable numbers of selectors, under which the kernel counts whatever is installed. */
export class CounterNumbers {
  readonly #map: BpfMap;
  readonly #numbers = new Map<string, number>();
  readonly #free: number[] = [];
  #next = 0;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  /** The number of a selector by its key; that of one that is gone does not matter any more. */
  of(key: string): number {
    return this.#numbers.get(key) ?? 0;
  }

  /**
   * Gives numbers to those that have none; a new one begins at zero.
   * @throws SelectorError `limit`
   */
  take(keys: readonly string[]): void {
    const taken: number[] = [];
    for (const key of keys) {
      if (this.#numbers.has(key)) continue;
      const number = this.#free.pop() ?? this.#next++;
      if (number >= this.#map.maxEntries)
        throw new SelectorError("limit", `more than ${this.#map.maxEntries} selectors are counted`);
      this.#numbers.set(key, number);
      taken.push(number);
    }
    const bytes = new Uint8Array(Uint32Array.from(taken).buffer);
    this.#map.updateBatch(bytes, new Uint8Array(taken.length * SIZES.match_counters), taken.length);
  }

  read(key: string): Counters | undefined {
    const number = this.#numbers.get(key);
    const bytes = number === undefined ? undefined : this.#map.lookup(u32(number));
    return bytes && decodeCounters(bytes);
  }

  /** Gives back the numbers of these: once nothing installed counts under them. */
  giveBack(keys: readonly string[]): void {
    for (const key of keys) {
      const number = this.#numbers.get(key);
      if (number === undefined) continue;
      this.#numbers.delete(key);
      this.#free.push(number);
    }
  }
}
