import { randomBytes } from "node:crypto";
import type { Hook } from "../../bus/types/selector.ts";
import { BpfMap } from "../kernel/map.ts";
import { SelectorError } from "./errors.ts";
import { HookTables, TablesFull } from "./hook-tables.ts";
import { hookNumber, MAX_HOOKS } from "./hooks/all.ts";
import { encodeEntry, SIZES, u32 } from "./layout.ts";
import type { NormalSelector } from "./normalize.ts";
import { PathHash } from "./path-hash.ts";
import { KernelPlaces } from "./kernel-places.ts";
import type { ScopeSets } from "./scope-sets.ts";
import type { SelectorMaps } from "./selector-maps.ts";
import type { Slot } from "./slot.ts";
import type { TableSet } from "./table-set.ts";

const MAX_COLLISIONS = 8;

/** What a hook that has selectors has in force. */
interface HookState {
  /** Tables as they are to be next; what stands in the kernel may lag behind. */
  tables: HookTables | undefined;
  set: TableSet;
  /** The one in use, and the one that is changed next. */
  slots: [Slot, Slot];
  install: number;
  selectors: number;
}

/** How a hook's selectors change. `touched` keep their place and change deadline, rate or reasons. */
export interface HookChange {
  gone: number[];
  come: NormalSelector[];
  touched: [place: number, selector: NormalSelector][];
  /** All that are to be in force, for when the tables have to be made anew. */
  all: () => NormalSelector[];
}

/** What a hook gets with the next update of the root, and gives back after it. */
interface Next {
  hook: Hook;
  state: HookState | undefined;
  sets: TableSet[];
  slots: Slot[];
}

/**
 * Puts tables in force. A hook with selectors has one set of tables, which is added to while programs use it, and two slots,
 * of which the root names one; the other is changed, then one update of the root puts all hooks onto their new slots. That
 * update returns after every program that was using the old ones has ended, so that what it left may be changed the next
 * time. Hooks without selectors have nothing in the kernel.
 */
export class Installer {
  readonly #maps: SelectorMaps;
  readonly #sets: ScopeSets;
  readonly #places: KernelPlaces;
  readonly #hooks = new Map<Hook, HookState>();
  #hash = new PathHash(randomBytes(8).readBigUInt64LE());
  #entries: BpfMap | undefined;
  #install = 0;
  #epoch = 0;
  #every = false;

  constructor(maps: SelectorMaps, sets: ScopeSets) {
    this.#maps = maps;
    this.#sets = sets;
    this.#places = new KernelPlaces(maps);
    this.settle();
  }

  /** The hooks that have selectors. */
  hooks(): Hook[] {
    return [...this.#hooks.keys()];
  }

  /** The tables of a hook; undefined where it has no selectors. */
  tablesOf(hook: Hook): HookTables | undefined {
    return this.#hooks.get(hook)?.tables;
  }

  /** The hook's installation that is in force, as denial records name it. */
  installOf(hook: Hook): number {
    return this.#hooks.get(hook)?.install ?? 0;
  }

  /** Whether sets of scopes have been numbered that the hook's tables do not know and would tell apart. */
  knowsNot(hook: Hook): boolean {
    const state = this.#hooks.get(hook);
    if (state === undefined) return false;
    return state.tables === undefined || state.tables.enterSets();
  }

  /** Descriptors of all maps that tables stand in, those that are kept ready included. */
  maps(): number[] {
    return this.#places.maps();
  }

  get lastInstall(): number {
    return this.#install;
  }

  /** Tell of every selector that matches, not only of those that come to decide; from the next installation on. */
  set every(every: boolean) {
    this.#every = every;
  }

  /**
   * Changes the hooks' tables and puts all of them in force at once. Returns the places that were given: those of selectors
   * that came, or of all where the hook's tables were made anew. Hooks that are not named keep what they have.
   * @throws SelectorError, KernelError; then what was in force stays.
   */
  install(
    changes: ReadonlyMap<Hook, HookChange>,
    counterOf: (s: NormalSelector) => number,
  ): Map<Hook, Map<NormalSelector, number>> {
    const placed = new Map<Hook, Map<NormalSelector, number>>();
    const next: Next[] = [];
    try {
      for (const [hook, change] of changes) {
        const { tables, made, places } = this.#change(this.tablesOf(hook), change, hook);
        placed.set(hook, places);
        next.push(this.#fill(hook, tables, made, counterOf));
      }
    } catch (error) {
      // what the kernel has of these is not in force; the tables here are ahead of it, and are made anew the next time
      for (const hook of changes.keys()) this.#abandon(hook);
      for (const { hook, state } of next) this.#giveBackUnused(hook, state);
      throw error;
    }
    for (const { hook, state } of next)
      if (state === undefined) this.#hooks.delete(hook);
      else this.#hooks.set(hook, state);
    this.settle();
    for (const { sets, slots } of next) this.#places.giveBack(sets, slots);
    return placed;
  }

  /** Empties every hook at once; the next installation makes all tables anew. */
  disarm(): void {
    const states = [...this.#hooks.values()];
    this.#hooks.clear();
    this.settle();
    for (const { set, slots } of states) this.#places.giveBack([set], slots);
  }

  /**
   * Puts in force what the hooks have, under a new epoch: what the kernel remembers of processes is forgotten, as it has to
   * be when their marks have changed. Returns after every program that was running has ended.
   */
  settle(): void {
    const entries = BpfMap.create({
      type: "array",
      name: "match_entries",
      keySize: 4,
      valueSize: SIZES.match_entry,
      maxEntries: MAX_HOOKS,
    });
    this.#epoch++;
    for (const [hook, { slots, selectors }] of this.#hooks)
      entries.update(u32(hookNumber(hook)), encodeEntry(this.#epoch, slots[0].number, selectors));
    this.#maps.root.update(u32(0), u32(entries.fd));
    this.#entries?.close();
    this.#entries = entries;
  }

  close(): void {
    this.disarm();
    this.#places.close();
    this.#entries?.close();
  }

  #fill(hook: Hook, tables: HookTables, made: boolean, counterOf: (s: NormalSelector) => number): Next {
    const before = this.#hooks.get(hook);
    if (tables.size === 0)
      return { hook, state: undefined, sets: before ? [before.set] : [], slots: before?.slots ?? [] };
    const set = before === undefined || made ? this.#places.takeSet() : before.set;
    const slots: [Slot, Slot] = before?.slots ?? [this.#places.takeSlot(), this.#places.takeSlot()];
    const install = ++this.#install;
    set.fill(tables, counterOf);
    slots[1].fill(tables, { install, table: set.number, every: this.#every });
    const state: HookState = { tables, set, slots: [slots[1], slots[0]], install, selectors: tables.size };
    return { hook, state, sets: before !== undefined && before.set !== set ? [before.set] : [], slots: [] };
  }

  #abandon(hook: Hook): void {
    const state = this.#hooks.get(hook);
    if (state !== undefined) state.tables = undefined;
  }

  #giveBackUnused(hook: Hook, state: HookState | undefined): void {
    if (state === undefined) return;
    const before = this.#hooks.get(hook);
    this.#places.giveBack(before?.set === state.set ? [] : [state.set], before === undefined ? state.slots : []);
  }

  #change(
    tables: HookTables | undefined,
    { gone, come, touched, all }: HookChange,
    hook: Hook,
  ): { tables: HookTables; made: boolean; places: Map<NormalSelector, number> } {
    // so many more at once stand together better, and take less memory, in tables of their own
    const isFew = come.length <= 256 || come.length <= (tables?.size ?? 0);
    if (tables !== undefined && !tables.wasteful && isFew) {
      try {
        const given = tables.update(gone, come);
        for (const [place, selector] of touched) tables.replace(place, selector);
        return { tables, made: false, places: together(come, given) };
      } catch (error) {
        // these tables are half changed: they go, and what the kernel has of them is not touched
        this.#abandon(hook);
        if (!(error instanceof TablesFull || isCollision(error))) throw error;
      }
    }
    const selectors = all();
    const fresh = this.#make(selectors);
    return { tables: fresh, made: true, places: together(selectors, fresh.firstPlaces) };
  }

  #make(selectors: readonly NormalSelector[]): HookTables {
    for (let attempt = 0; ; attempt++) {
      try {
        return new HookTables(selectors, this.#sets, this.#hash);
      } catch (error) {
        if (error instanceof TablesFull)
          throw new SelectorError("limit", "these selectors do not fit into the tables together", { cause: error });
        if (!isCollision(error) || attempt >= MAX_COLLISIONS) throw error;
        this.#hash = new PathHash(randomBytes(8).readBigUInt64LE());
      }
    }
  }
}

function together(selectors: readonly NormalSelector[], places: readonly number[]): Map<NormalSelector, number> {
  return new Map(selectors.map((selector, index) => [selector, places[index]!]));
}

function isCollision(error: unknown): boolean {
  return error instanceof SelectorError && error.code === "collision";
}
