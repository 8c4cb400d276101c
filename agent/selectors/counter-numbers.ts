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

  /** The number of a selector by its key, once it has one. */
  of(key: string): number {
    return this.#numbers.get(key)!;
  }

  /**
   * Gives numbers to those that have none; a new one begins at zero.
   * @throws SelectorError `limit`
   */
  take(keys: readonly string[]): void {
    const used: number[] = [];
    for (const key of keys) {
      if (this.#numbers.has(key)) continue;
      const free = this.#free.pop();
      if (free !== undefined) used.push(free);
      const number = free ?? this.#next++;
      if (number >= this.#map.maxEntries)
        throw new SelectorError("limit", `more than ${this.#map.maxEntries} selectors are counted`);
      this.#numbers.set(key, number);
    }
    // those that nobody had yet are zero
    const bytes = Buffer.concat(used.map(u32));
    this.#map.updateBatch(bytes, new Uint8Array(used.length * SIZES.match_counters), used.length);
  }

  read(key: string): Counters | undefined {
    const number = this.#numbers.get(key);
    const bytes = number === undefined ? undefined : this.#map.lookup(u32(number));
    return bytes && decodeCounters(bytes);
  }

  /** Gives back the numbers of all others: once nothing installed counts under them. */
  keep(keys: ReadonlySet<string>): void {
    for (const [key, number] of this.#numbers) {
      if (keys.has(key)) continue;
      this.#numbers.delete(key);
      this.#free.push(number);
    }
  }
}
