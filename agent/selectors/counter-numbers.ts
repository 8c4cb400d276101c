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

  /** The number of a selector by its key; a new one begins at zero. */
  of(key: string): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#free.pop() ?? this.#next++;
    if (number >= this.#map.maxEntries)
      throw new SelectorError("limit", `more than ${this.#map.maxEntries} selectors are counted`);
    this.#map.update(u32(number), new Uint8Array(SIZES.match_counters));
    this.#numbers.set(key, number);
    return number;
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
