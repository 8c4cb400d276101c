import { KernelError } from "../kernel/errors.ts";
import { SIZES } from "./layout.ts";
import type { SelectorMaps } from "./selector-maps.ts";
import { Slot } from "./slot.ts";
import { arrayShape, TableMap } from "./table-map.ts";
import { TableSet } from "./table-set.ts";

/** MATCH_SLOTS, MATCH_TABLES: enough for every hook, also while all of them are made anew. */
const NUMBERS = 128;
/** SPARE_SLOT, SPARE_FRAMES. */
const SPARE_SLOT = 128;
const SPARE_FRAMES = 8;
/** Hooks that places are made for at once: the kernel waits some 10 ms for each kind of map, however many come. */
const AT_ONCE = 4;

/** When large maps that nobody needs are given back: not while selectors wait for their tables. */
const TRIM_MS = 1_000;

/** Sets of tables and slots, made in the kernel as hooks come to need them, and kept for others afterwards. */
export class KernelPlaces {
  readonly #maps: SelectorMaps;
  readonly #sets: TableSet[] = [];
  readonly #slots: Slot[] = [];
  readonly #freeSets: TableSet[] = [];
  readonly #freeSlots: Slot[] = [];
  readonly #spares: TableMap<never>;
  #trim: NodeJS.Timeout | undefined;

  constructor(maps: SelectorMaps) {
    this.#maps = maps;
    const spares = arrayShape("parts", SIZES.match_frame, SPARE_FRAMES);
    this.#spares = new TableMap<never>(maps.parts, SPARE_SLOT, spares, () => {});
    TableMap.prepare([this.#spares]);
    // the first selectors shall not wait for it
    this.#makeSets();
    this.#makeSlots();
  }

  takeSet(): TableSet {
    if (this.#freeSets.length === 0) this.#makeSets();
    return this.#freeSets.pop()!;
  }

  takeSlot(): Slot {
    if (this.#freeSlots.length === 0) this.#makeSlots();
    return this.#freeSlots.pop()!;
  }

  /** Of hooks that do not need them any more, once no program uses them. */
  giveBack(sets: readonly TableSet[], slots: readonly Slot[]): void {
    for (const set of sets) set.forget();
    this.#freeSets.push(...sets);
    this.#freeSlots.push(...slots);
    if (sets.length + slots.length > 0) this.#trim ??= setTimeout(() => this.#shrink(), TRIM_MS).unref();
  }

  maps(): number[] {
    return [...this.#all()].flatMap(({ fd }) => fd ?? []);
  }

  close(): void {
    clearTimeout(this.#trim);
    for (const map of this.#all()) map.close();
  }

  *#all(): Generator<{ fd: number | undefined; close(): void }> {
    for (const one of [...this.#sets, ...this.#slots]) yield* one.maps();
    yield this.#spares;
  }

  #shrink(): void {
    this.#trim = undefined;
    try {
      for (const one of [...this.#freeSets, ...this.#freeSlots]) one.shrink();
    } catch (error) {
      // a small one could not be made: the large one stays
      if (!(error instanceof KernelError)) throw error;
    }
  }

  #makeSets(): void {
    const first = this.#sets.length;
    const count = Math.min(AT_ONCE, NUMBERS - first);
    const sets = Array.from({ length: count }, (_, index) => new TableSet(first + index, this.#maps));
    const kinds = sets.map((set) => set.maps());
    for (const kind of kinds[0]!.keys()) TableMap.prepare(kinds.map((maps) => maps[kind]!));
    this.#sets.push(...sets);
    this.#freeSets.push(...sets);
  }

  #makeSlots(): void {
    const first = this.#slots.length;
    const count = Math.min(2 * AT_ONCE, NUMBERS - first);
    const slots = Array.from({ length: count }, (_, index) => new Slot(first + index, this.#maps));
    TableMap.prepare(slots.flatMap((slot) => slot.maps()));
    this.#slots.push(...slots);
    this.#freeSlots.push(...slots);
  }
}
