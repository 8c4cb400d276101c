import { BPF_F_NO_PREALLOC } from "../kernel/map.ts";
import type { PlaceClass } from "./classes.ts";
import type { Changes, HookTables, TableValue } from "./hook-tables.ts";
import {
  encodeHeader,
  type HeaderFields,
  SIZES,
  u32,
  writeBitmap,
  writeClass,
  writeKey,
  writePrefix,
  writeSelector,
  writeText,
  writeValue,
} from "./layout.ts";
import type { NormalSelector } from "./normalize.ts";
import type { SelectorMaps } from "./selector-maps.ts";
import { BPF_F_INNER_MAP, TableMap, type TableShape } from "./table-map.ts";

const PARTS = 256;

function array(name: string, valueSize: number): TableShape {
  return { name, type: "array", keySize: 4, valueSize, flags: BPF_F_INNER_MAP };
}

const VALUES: TableShape = {
  name: "values",
  type: "hash",
  keySize: SIZES.match_key,
  valueSize: SIZES.match_value,
  flags: 0,
  least: 1024,
};
const PREFIXES: TableShape = {
  name: "prefixes",
  type: "lpm_trie",
  keySize: SIZES.match_prefix,
  valueSize: SIZES.match_value,
  flags: BPF_F_NO_PREALLOC,
  // takes memory for what stands in it only
  least: 1 << 20,
};

/** Classes and texts of a hook's tables. Both slots share them: what is there is not changed, only added to. */
export class Pool {
  readonly number: number;
  readonly #classes: TableMap<[number, PlaceClass]>;
  readonly #texts: TableMap<[number, Uint8Array]>;
  #tables: HookTables | undefined;
  #written = { classes: 0, texts: 0 };

  constructor(number: number, maps: SelectorMaps) {
    this.number = number;
    this.#classes = new TableMap(
      maps.classes,
      number,
      array("classes", SIZES.match_class),
      (keys, k, values, v, it) => {
        keys.writeUInt32LE(it[0], k);
        writeClass(values, v, it[1]);
      },
    );
    this.#texts = new TableMap(maps.texts, number, array("texts", SIZES.match_text), (keys, k, values, v, it) => {
      keys.writeUInt32LE(it[0], k);
      writeText(values, v, it[1]);
    });
  }

  /** Adds what is not there yet. For other tables than before, no slot that names this pool may be in use. */
  fill(tables: HookTables): void {
    const clear = this.#tables !== tables;
    if (clear) this.#written = { classes: 0, texts: 0 };
    // unfit until it is filled
    this.#tables = undefined;
    const { classes } = tables.classes;
    const { texts } = tables;
    grow(this.#classes, classes, this.#written.classes, clear);
    this.#written.classes = classes.length;
    grow(this.#texts, texts, this.#written.texts, clear);
    this.#written.texts = texts.length;
    this.#tables = tables;
  }

  maps(): { fd: number | undefined }[] {
    return [this.#classes, this.#texts];
  }

  close(): void {
    this.#classes.close();
    this.#texts.close();
  }
}

function grow<T>(map: TableMap<[number, T]>, all: readonly T[], written: number, clear: boolean): void {
  if (written === all.length && !clear) return;
  const from = (first: number) => all.slice(first).map((one, index): [number, T] => [first + index, one]);
  map.hold(from(written), all.length, () => from(0), clear);
}

/** The tables of one hook in one slot: changed while the root does not name the slot. */
export class Slot {
  readonly number: number;
  readonly #maps: SelectorMaps;
  readonly #values: TableMap<TableValue>;
  readonly #prefixes: TableMap<TableValue>;
  readonly #bitmaps: TableMap<number>;
  readonly #selectors: TableMap<number>;
  readonly #parts: TableMap<never>;
  #hasParts = false;
  #fit = false;
  #tables: HookTables | undefined;
  #changes: Changes = { values: new Set(), bitmaps: new Set(), places: new Set() };
  #counterOf: (selector: NormalSelector) => number = () => 0;

  constructor(number: number, maps: SelectorMaps) {
    this.number = number;
    this.#maps = maps;
    const shape = array("bitmaps", SIZES.match_bitmap);
    this.#values = new TableMap(maps.values, number, VALUES, (keys, k, values, v, entry) => {
      writeKey(keys, k, entry);
      writeValue(values, v, entry);
    });
    this.#prefixes = new TableMap(maps.prefixes, number, PREFIXES, (keys, k, values, v, entry) => {
      writePrefix(keys, k, entry);
      writeValue(values, v, entry);
    });
    this.#bitmaps = new TableMap(maps.bitmaps, number, shape, (keys, k, values, v, bitmap) => {
      keys.writeUInt32LE(bitmap, k);
      writeBitmap(values, v, this.#tables!.bitmaps.bitmaps[bitmap]!);
    });
    this.#selectors = new TableMap(
      maps.selectors,
      number,
      array("selectors", SIZES.match_selector),
      (k, ka, v, va, at) => {
        k.writeUInt32LE(at, ka);
        const selector = this.#tables!.selectors[at];
        if (selector !== undefined) writeSelector(v, va, selector, this.#counterOf(selector));
      },
    );
    const parts = { ...array("parts", SIZES.match_part), flags: 0, fixed: PARTS };
    this.#parts = new TableMap<never>(maps.parts, number, parts, () => {});
  }

  /** Makes the slot's maps what the tables are now. A failure leaves it unfit until it is filled again. */
  fill(tables: HookTables, header: HeaderFields, counterOf: (selector: NormalSelector) => number): void {
    const clear = this.#tables !== tables || !this.#fit;
    if (this.#tables !== tables) this.#follow(tables);
    this.#fit = false;
    this.#counterOf = counterOf;
    const { values, bitmaps, places } = this.#changes;
    if (!this.#hasParts) {
      this.#parts.hold([], PARTS, () => [], true);
      this.#hasParts = true;
    }
    const whole = (of: Iterable<TableValue>) => [...of].filter((entry) => entry.whole);
    const beginnings = (of: Iterable<TableValue>) => [...of].filter((entry) => !entry.whole);
    // a bound for both is enough to know whether they fit
    const most = tables.values.length;
    this.#values.hold(whole(values), clear ? whole(tables.values).length : most, () => whole(tables.values), clear);
    this.#prefixes.hold(beginnings(values), most, () => beginnings(tables.values), clear);
    const numbers = (length: number) => Array.from({ length }, (_, index) => index);
    const count = tables.bitmaps.bitmaps.length;
    this.#bitmaps.hold([...bitmaps], count, () => numbers(count), clear);
    const last = tables.selectors.length;
    this.#selectors.hold([...places], last, () => numbers(last), clear);
    this.#maps.headers.update(u32(this.number), encodeHeader(tables, header));
    this.#maps.pools.update(u32(this.number), Buffer.alloc(SIZES.match_pool));
    values.clear();
    bitmaps.clear();
    places.clear();
    this.#fit = true;
  }

  maps(): { fd: number | undefined; close(): void }[] {
    return [this.#values, this.#prefixes, this.#bitmaps, this.#selectors, this.#parts];
  }

  close(): void {
    this.#unfollow();
    for (const table of this.maps()) table.close();
  }

  #follow(tables: HookTables): void {
    this.#unfollow();
    this.#changes = { values: new Set(), bitmaps: new Set(), places: new Set() };
    tables.changes.push(this.#changes);
    this.#tables = tables;
  }

  #unfollow(): void {
    const changes = this.#tables?.changes;
    changes?.splice(changes.indexOf(this.#changes), 1);
    this.#tables = undefined;
  }
}
