import { BPF_F_NO_PREALLOC, BpfMap, type MapType } from "../kernel/map.ts";
import type { HookTables } from "./compile.ts";
import {
  encodeClass,
  encodeKey,
  encodePaths,
  encodePrefix,
  encodeSelector,
  encodeText,
  encodeValue,
  SIZES,
  u32,
} from "./layout.ts";

const BPF_F_INNER_MAP = 0x1000;

/** The maps of maps that a slot's tables hang in. */
export interface SlotMaps {
  values: BpfMap;
  prefixes: BpfMap;
  classes: BpfMap;
  selectors: BpfMap;
  texts: BpfMap;
}

interface TableShape {
  type: MapType;
  keySize: number;
  valueSize: number;
  flags: number;
}

const array = (valueSize: number): TableShape => ({ type: "array", keySize: 4, valueSize, flags: BPF_F_INNER_MAP });
const SHAPES: Readonly<Record<keyof SlotMaps, TableShape>> = {
  values: { type: "hash", keySize: SIZES.match_key, valueSize: SIZES.match_value, flags: 0 },
  prefixes: {
    type: "lpm_trie",
    keySize: SIZES.match_prefix,
    valueSize: SIZES.match_value,
    flags: BPF_F_NO_PREALLOC,
  },
  classes: array(SIZES.match_class),
  selectors: array(SIZES.match_selector),
  texts: array(SIZES.match_text),
};
const LEAST_ENTRIES = 64;

/** One table of a slot: what stands in it is remembered, so that filling it anew writes what differs. */
class SlotTable {
  readonly #outer: BpfMap;
  readonly #slot: number;
  readonly #name: keyof SlotMaps;
  readonly #shape: TableShape;
  #map: BpfMap | undefined;
  #entries = new Map<string, Buffer>();

  constructor(name: keyof SlotMaps, outer: BpfMap, slot: number) {
    this.#name = name;
    this.#outer = outer;
    this.#slot = slot;
    this.#shape = SHAPES[name];
  }

  /** Makes the table hold exactly `entries` (latin1 of the key -> value); arrays may keep what lies beyond. */
  hold(entries: Map<string, Buffer>): void {
    const { type, keySize, valueSize, flags } = this.#shape;
    if (this.#map === undefined || this.#map.maxEntries < entries.size) {
      const maxEntries = Math.max(LEAST_ENTRIES, 2 ** Math.ceil(Math.log2(Math.max(1, entries.size))));
      const map = BpfMap.create({ type, name: `match_${this.#name}`, keySize, valueSize, maxEntries, flags });
      this.#map?.close();
      this.#map = map;
      this.#entries = new Map();
      write(map, entries);
      this.#outer.update(u32(this.#slot), u32(map.fd));
    } else {
      const changed = new Map<string, Buffer>();
      for (const [key, value] of entries) {
        const there = this.#entries.get(key);
        if (there === undefined || !there.equals(value)) changed.set(key, value);
      }
      if (type !== "array")
        for (const key of this.#entries.keys()) if (!entries.has(key)) this.#map.delete(Buffer.from(key, "latin1"));
      write(this.#map, changed);
    }
    this.#entries = entries;
  }

  close(): void {
    this.#map?.close();
    this.#map = undefined;
    this.#entries = new Map();
  }
}

/** The tables of one hook in one slot: filled while no header names the slot. */
export class Slot {
  readonly number: number;
  readonly #tables: Record<keyof SlotMaps, SlotTable>;

  constructor(number: number, maps: SlotMaps) {
    this.number = number;
    const table = (name: keyof SlotMaps) => new SlotTable(name, maps[name], number);
    this.#tables = {
      values: table("values"),
      prefixes: table("prefixes"),
      classes: table("classes"),
      selectors: table("selectors"),
      texts: table("texts"),
    };
  }

  /** `counters` is each selector's stable number, in the tables' order. A failure leaves the slot unfit until filled again. */
  fill(tables: HookTables, seed: bigint, counters: readonly number[]): void {
    const { values, prefixes, classes, selectors, texts } = this.#tables;
    values.hold(new Map(tables.values.map((entry) => [latin1(encodeKey(entry)), encodeValue(entry)])));
    prefixes.hold(new Map(tables.prefixes.map((entry) => [latin1(encodePrefix(entry)), encodeValue(entry)])));
    classes.hold(indexed(tables.classes.map(encodeClass)));
    selectors.hold(indexed(tables.selectors.map((_, i) => encodeSelector(tables.selectors, i, counters[i]!))));
    const [, ...real] = tables.texts;
    texts.hold(indexed([encodePaths(seed, tables.lengths), ...real.map(encodeText)]));
  }

  close(): void {
    for (const table of Object.values(this.#tables)) table.close();
  }
}

function write(map: BpfMap, entries: Map<string, Buffer>): void {
  const keys = Buffer.concat([...entries.keys()].map((key) => Buffer.from(key, "latin1")));
  map.updateBatch(keys, Buffer.concat([...entries.values()]), entries.size);
}

function indexed(values: Buffer[]): Map<string, Buffer> {
  return new Map(values.map((value, index) => [latin1(u32(index)), value]));
}

function latin1(bytes: Buffer): string {
  return bytes.toString("latin1");
}
