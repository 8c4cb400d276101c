import { BpfMap, type MapType } from "../kernel/map.ts";
import { u32 } from "./layout.ts";

export const BPF_F_INNER_MAP = 0x1000;
const LEAST_ENTRIES = 64;
/** Room for what comes later, when a map is made anew. */
const GROWTH = 1.25;

/** What an inner map is made as. */
export interface TableShape {
  name: string;
  type: MapType;
  keySize: number;
  valueSize: number;
  flags: number;
  /** Room that it has at least. */
  least?: number;
  /** Room that it has: the programs know it. */
  fixed?: number;
}

/** Writes an entry: its key and its value into buffers at these places. */
export type WriteEntry<T> = (keys: Buffer, keyAt: number, values: Buffer, valueAt: number, entry: T) => void;

/**
 * A map in a map of maps: made anew, larger, when what it has to hold does not fit. It may be replaced while programs use
 * it, since what they find in the new one is the same.
 */
export class TableMap<T> {
  readonly #outer: BpfMap;
  readonly #index: number;
  readonly #shape: TableShape;
  readonly #write: WriteEntry<T>;
  #map: BpfMap | undefined;
  /** Whether it was written to. */
  #used = false;

  constructor(outer: BpfMap, index: number, shape: TableShape, write: WriteEntry<T>) {
    this.#outer = outer;
    this.#index = index;
    this.#shape = shape;
    this.#write = write;
  }

  /** Writes what has changed into the map; with `all` gives everything that it has to hold. `clear`: nothing else. */
  hold(changed: readonly T[], size: number, all: () => readonly T[], clear: boolean): void {
    const { type, keySize, valueSize, flags, name, least = LEAST_ENTRIES, fixed } = this.#shape;
    const fits = this.#map !== undefined && this.#map.maxEntries >= size;
    // entries of an array that are not used do not matter
    if (fits && (!clear || type === "array" || !this.#used)) {
      this.#fill(this.#map!, clear ? all() : changed);
      return;
    }
    const maxEntries = fixed ?? Math.max(least, Math.ceil((size * GROWTH) / 64) * 64);
    const map = BpfMap.create({ type, name: `match_${name}`, keySize, valueSize, maxEntries, flags });
    this.#used = false;
    try {
      this.#fill(map, all());
      this.#outer.update(u32(this.#index), u32(map.fd));
    } catch (error) {
      map.close();
      throw error;
    }
    this.#map?.close();
    this.#map = map;
  }

  get fd(): number | undefined {
    return this.#map?.fd;
  }

  close(): void {
    this.#map?.close();
    this.#map = undefined;
  }

  #fill(map: BpfMap, entries: readonly T[]): void {
    if (entries.length === 0) return;
    this.#used = true;
    const { keySize, valueSize } = this.#shape;
    const keys = Buffer.alloc(keySize * entries.length);
    const values = Buffer.alloc(valueSize * entries.length);
    for (const [index, entry] of entries.entries())
      this.#write(keys, index * keySize, values, index * valueSize, entry);
    map.updateBatch(keys, values, entries.length);
  }
}
