import { BpfMap, type MapType } from "../kernel/map.ts";
import { u32 } from "./layout.ts";

const BPF_F_INNER_MAP = 0x1000;
const LEAST_ENTRIES = 64;
const GROWTH = 1.125;

/** What an inner map is made as. */
export interface TableShape {
  name: string;
  type: MapType;
  keySize: number;
  valueSize: number;
  flags: number;
  /** Room that it has at least. */
  least?: number;
  /** How much more room it gets than it needs, when it is made anew. */
  growth?: number;
}

export function arrayShape(name: string, valueSize: number, least: number = LEAST_ENTRIES): TableShape {
  return { name, type: "array", keySize: 4, valueSize, flags: BPF_F_INNER_MAP, least };
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

  /**
   * Makes maps of the least size and hangs them up, all in the same outer map at once: the kernel waits for running programs
   * each time that one is hung up, some 10 ms.
   */
  static prepare<T>(maps: readonly TableMap<T>[]): void {
    const [first] = maps;
    if (first === undefined) return;
    for (const map of maps) map.#map = map.#create(map.#least);
    const numbers = (of: (map: TableMap<T>) => number) => new Uint8Array(Uint32Array.from(maps, of).buffer);
    first.#outer.updateBatch(
      numbers((map) => map.#index),
      numbers((map) => map.#map!.fd),
      maps.length,
    );
  }

  /** Writes what has changed into the map; `all` gives everything that it has to hold. `clear`: nothing else. */
  hold(changed: readonly T[], size: number, all: () => readonly T[], clear: boolean): void {
    const fits = this.#map !== undefined && this.#map.maxEntries >= size;
    // entries of an array that are not used do not matter
    if (fits && (!clear || this.#shape.type === "array" || !this.#used)) {
      this.#fill(this.#map!, clear ? all() : changed);
      return;
    }
    this.#replace(Math.max(this.#least, Math.ceil(size * (this.#shape.growth ?? GROWTH))), all());
  }

  /** Gives a large map back; nothing may be looked for in it any more. */
  shrink(): void {
    if (this.#map !== undefined && this.#map.maxEntries > 4 * this.#least) this.#replace(this.#least, []);
  }

  get fd(): number | undefined {
    return this.#map?.fd;
  }

  close(): void {
    this.#map?.close();
    this.#map = undefined;
  }

  get #least(): number {
    return this.#shape.least ?? LEAST_ENTRIES;
  }

  #create(maxEntries: number): BpfMap {
    const { type, keySize, valueSize, flags, name } = this.#shape;
    return BpfMap.create({ type, name: `match_${name}`, keySize, valueSize, maxEntries, flags });
  }

  #replace(maxEntries: number, entries: readonly T[]): void {
    const map = this.#create(maxEntries);
    this.#used = false;
    try {
      this.#fill(map, entries);
      this.#outer.update(u32(this.#index), u32(map.fd));
    } catch (error) {
      map.close();
      throw error;
    }
    this.#map?.close();
    this.#map = map;
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
