import { BPF_F_NO_PREALLOC } from "../kernel/map.ts";
import type { PlaceClass } from "./classes.ts";
import type { HookTables, TableValue } from "./hook-tables.ts";
import {
  SIZES,
  writeBitmap,
  writeClass,
  writeKey,
  writeNode,
  writePrefix,
  writeText,
  writeValue,
  writeWord,
} from "./layout.ts";
import type { NormalSelector } from "./normalize.ts";
import type { SelectorMaps } from "./selector-maps.ts";
import { arrayShape, TableMap, type TableShape } from "./table-map.ts";

const VALUES: TableShape = {
  ...{ name: "values", type: "hash", keySize: SIZES.match_key, valueSize: SIZES.match_value, flags: 0 },
};
const PREFIXES: TableShape = {
  ...{ name: "prefixes", type: "lpm_trie", keySize: SIZES.match_prefix, valueSize: SIZES.match_value },
  flags: BPF_F_NO_PREALLOC,
  // takes memory for what stands in it only
  least: 1 << 20,
};

/** One hook's tables in the kernel. They are changed while programs use them: see bpf/include/match_tables.h. */
export class TableSet {
  readonly number: number;
  readonly #values: TableMap<TableValue>;
  readonly #prefixes: TableMap<TableValue>;
  readonly #nodes: TableMap<TableValue>;
  readonly #classes: TableMap<readonly [number, PlaceClass]>;
  readonly #bitmaps: TableMap<number>;
  readonly #words: TableMap<number>;
  readonly #texts: TableMap<readonly [number, Uint8Array]>;
  #tables: HookTables | undefined;
  #counterOf: (selector: NormalSelector) => number = () => 0;
  #written = { values: 0, classes: 0, texts: 0 };

  constructor(number: number, maps: SelectorMaps) {
    this.number = number;
    this.#values = new TableMap(maps.values, number, VALUES, (keys, k, values, v, entry) => {
      writeKey(keys, k, entry);
      writeValue(values, v, entry);
    });
    this.#prefixes = new TableMap(maps.prefixes, number, PREFIXES, (keys, k, values, v, entry) => {
      writePrefix(keys, k, entry);
      writeValue(values, v, entry);
    });
    this.#nodes = new TableMap(
      maps.nodes,
      number,
      arrayShape("nodes", SIZES.match_node),
      (keys, k, values, v, entry) => {
        keys.writeUInt32LE(entry.number, k);
        writeNode(values, v, entry);
      },
    );
    const classes = arrayShape("classes", SIZES.match_class);
    this.#classes = new TableMap(maps.classes, number, classes, (keys, k, values, v, [index, one]) => {
      keys.writeUInt32LE(index, k);
      writeClass(values, v, one);
    });
    const bitmaps = arrayShape("bitmaps", SIZES.match_bitmap, 16);
    this.#bitmaps = new TableMap(maps.bitmaps, number, bitmaps, (keys, k, values, v, bitmap) => {
      keys.writeUInt32LE(bitmap, k);
      writeBitmap(values, v, this.#tables!.bitmaps.bitmaps[bitmap]!);
    });
    const words = arrayShape("words", SIZES.match_word, 8);
    this.#words = new TableMap(maps.words, number, words, (keys, k, values, v, word) => {
      const { places, last } = this.#tables!;
      keys.writeUInt32LE(word, k);
      writeWord(values, v, places.words[word]!, last.slice(word * 64, word * 64 + 64), this.#counterOf);
    });
    this.#texts = new TableMap(
      maps.texts,
      number,
      arrayShape("texts", SIZES.match_text),
      (keys, k, values, v, text) => {
        keys.writeUInt32LE(text[0], k);
        writeText(values, v, text[1]);
      },
    );
  }

  /**
   * Makes the kernel's tables what these are now, what is referred to before what refers to it. For other tables than before,
   * no slot that names this set may be in use. After a failure the set is to be filled with other ones.
   */
  fill(tables: HookTables, counterOf: (selector: NormalSelector) => number): void {
    const clear = this.#tables !== tables;
    if (clear) this.#written = { values: 0, classes: 0, texts: 0 };
    this.#tables = tables;
    this.#counterOf = counterOf;
    const { nodes, bitmaps, words } = tables.changes;
    const numbers = (length: number) => Array.from({ length }, (_, index) => index);
    const count = tables.bitmaps.bitmaps.length;
    this.#bitmaps.hold([...bitmaps], count, () => numbers(count), clear);
    this.#written.classes = grow(this.#classes, tables.classes.classes, this.#written.classes, clear);
    this.#written.texts = grow(this.#texts, tables.texts, this.#written.texts, clear);
    this.#words.hold([...words], tables.words, () => numbers(tables.words), clear);
    this.#nodes.hold([...nodes], tables.values.length, () => tables.values, clear);
    this.#enter(tables.values, clear);
    for (const changed of [nodes, bitmaps, words]) changed.clear();
  }

  /** Forgets what it held: the next tables are filled in anew. */
  forget(): void {
    this.#tables = undefined;
  }

  /** Gives large maps back. No slot that names this set may be in use, and it was told to forget. */
  shrink(): void {
    for (const map of this.maps()) map.shrink();
  }

  maps(): TableMap<unknown>[] {
    const { values, prefixes, nodes, classes, bitmaps, words, texts } = {
      ...{ values: this.#values, prefixes: this.#prefixes, nodes: this.#nodes, classes: this.#classes },
      ...{ bitmaps: this.#bitmaps, words: this.#words, texts: this.#texts },
    };
    return [values, prefixes, nodes, classes, bitmaps, words, texts] as TableMap<unknown>[];
  }

  close(): void {
    for (const map of this.maps()) map.close();
  }

  #enter(all: readonly TableValue[], clear: boolean): void {
    const fresh = all.slice(this.#written.values);
    this.#written.values = all.length;
    const whole = (of: readonly TableValue[]) => of.filter((entry) => entry.whole);
    const beginnings = (of: readonly TableValue[]) => of.filter((entry) => !entry.whole);
    // a bound for both is enough to know whether they fit
    this.#values.hold(whole(fresh), clear ? whole(all).length : all.length, () => whole(all), clear);
    this.#prefixes.hold(beginnings(fresh), all.length, () => beginnings(all), clear);
  }
}

/** Adds to an array what is not in it yet; returns its new length. */
function grow<T>(map: TableMap<readonly [number, T]>, all: readonly T[], written: number, clear: boolean): number {
  const from = (first: number) => all.slice(first).map((one, index) => [first + index, one] as const);
  if (written < all.length || clear) map.hold(from(written), all.length, () => from(0), clear);
  return all.length;
}
