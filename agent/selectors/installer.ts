import { randomBytes } from "node:crypto";
import { type Hook, HOOKS } from "../../bus/types/selector.ts";
import { BpfMap } from "../kernel/map.ts";
import { SelectorError } from "./errors.ts";
import { HookTables, TablesFull } from "./hook-tables.ts";
import { hookNumber, MAX_HOOKS } from "./hooks/all.ts";
import { encodeEntry, SIZES, u32 } from "./layout.ts";
import type { NormalSelector } from "./normalize.ts";
import { PathHash } from "./path-hash.ts";
import type { ScopeSets } from "./scope-sets.ts";
import type { SelectorMaps } from "./selector-maps.ts";
import { Pool, Slot } from "./slot.ts";

const MAX_COLLISIONS = 8;

/** What a hook has in force, and what is kept of it. */
interface HookState {
  slots: readonly [Slot, Slot];
  pools: readonly [Pool, Pool];
  /** Tables as they are to be next; the slot that is not in use may lag behind. */
  tables: HookTables | undefined;
  pool: 0 | 1;
  slot: 0 | 1;
  install: number;
  selectors: number;
}

/** How a hook's selectors change. `touched` keep their place and change deadline, rate or priority. */
export interface HookChange {
  gone: number[];
  come: NormalSelector[];
  touched: [place: number, selector: NormalSelector][];
  /** All that are to be in force, for when the tables have to be made anew. */
  all: () => NormalSelector[];
}

/**
 * Puts tables in force: each hook has two slots, of which the root names one. The other is changed, then one update of the
 * root puts all hooks onto their new tables. That update returns after every program that was using the old ones has ended,
 * so that the slot that it left may be changed the next time.
 */
export class Installer {
  readonly #maps: SelectorMaps;
  readonly #sets: ScopeSets;
  readonly #hooks = new Map<Hook, HookState>();
  #hash = new PathHash(randomBytes(8).readBigUInt64LE());
  #entries: BpfMap | undefined;
  #install = 0;
  #epoch = 0;
  #every = false;

  constructor(maps: SelectorMaps, sets: ScopeSets) {
    this.#maps = maps;
    this.#sets = sets;
    for (const hook of HOOKS) {
      const first = hookNumber(hook) * 2;
      this.#hooks.set(hook, {
        slots: [new Slot(first, maps), new Slot(first + 1, maps)],
        pools: [new Pool(first, maps), new Pool(first + 1, maps)],
        ...{ tables: undefined, pool: 0, slot: 0, install: 0, selectors: 0 },
      });
    }
    // The kernel waits some 10 ms for running programs each time that a table is hung up: the first selectors shall not.
    const nothing: HookChange = { gone: [], come: [], touched: [], all: () => [] };
    for (let slot = 0; slot < 2; slot++) this.install(new Map(HOOKS.map((hook) => [hook, nothing])), () => 0);
  }

  /** The tables of a hook and the number of the last installation that they are of. */
  tablesOf(hook: Hook): HookTables | undefined {
    return this.#hooks.get(hook)!.tables;
  }

  /** The hook's installation that is in force, as denial records name it. */
  installOf(hook: Hook): number {
    return this.#hooks.get(hook)!.install;
  }

  /** Whether sets of scopes have been numbered that the hook's tables do not know and would tell apart. */
  knowsNot(hook: Hook): boolean {
    return this.#hooks.get(hook)!.tables?.enterSets() ?? false;
  }

  /** Descriptors of all maps of all slots and pools. */
  maps(): number[] {
    return [...this.#hooks.values()].flatMap(({ slots, pools }) =>
      [...slots, ...pools].flatMap((one) => one.maps().flatMap((map) => map.fd ?? [])),
    );
  }

  get lastInstall(): number {
    return this.#install;
  }

  /** Tell of every selector that matches, not only of those that come to decide; from the next installation on. */
  set every(every: boolean) {
    this.#every = every;
  }

  /**
   * Changes the hooks' tables and puts all of them in force at once. Returns the hooks whose tables were made anew: the
   * places of all their selectors are other ones. Hooks that are not named keep what they have.
   * @throws SelectorError, KernelError; then what was in force stays.
   */
  install(changes: ReadonlyMap<Hook, HookChange>, counterOf: (s: NormalSelector) => number): Set<Hook> {
    const anew = new Set<Hook>();
    const next: { state: HookState; slot: 0 | 1; pool: 0 | 1; install: number }[] = [];
    for (const [hook, change] of changes) {
      const state = this.#hooks.get(hook)!;
      const before = state.tables;
      if (this.#change(state, change)) anew.add(hook);
      const tables = state.tables!;
      const slot = state.slot === 0 ? 1 : 0;
      const pool = tables === before ? state.pool : state.pool === 0 ? 1 : 0;
      const install = ++this.#install;
      state.pools[pool].fill(tables);
      state.slots[slot].fill(tables, { install, pool: state.pools[pool].number, every: this.#every }, counterOf);
      next.push({ state, slot, pool, install });
    }
    for (const { state, slot, pool, install } of next)
      Object.assign(state, { slot, pool, install, selectors: state.tables!.size });
    this.settle();
    return anew;
  }

  /** Empties every hook at once; the next installation makes all tables anew. */
  disarm(): void {
    for (const state of this.#hooks.values()) Object.assign(state, { selectors: 0, tables: undefined });
    this.settle();
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
    for (const [hook, { slots, slot, selectors }] of this.#hooks)
      entries.update(u32(hookNumber(hook)), encodeEntry(this.#epoch, slots[slot].number, selectors));
    this.#maps.root.update(u32(0), u32(entries.fd));
    this.#entries?.close();
    this.#entries = entries;
  }

  close(): void {
    this.disarm();
    for (const { slots, pools } of this.#hooks.values()) for (const one of [...slots, ...pools]) one.close();
    this.#entries?.close();
  }

  /** Returns whether the tables are other ones now. */
  #change(state: HookState, { gone, come, touched, all }: HookChange): boolean {
    const { tables } = state;
    if (tables !== undefined && !tables.wasteful) {
      try {
        tables.update(gone, come);
        for (const [place, selector] of touched) tables.replace(place, selector);
        return false;
      } catch (error) {
        // these tables are half changed: they go, and what the kernel has of them is not touched
        state.tables = undefined;
        if (!(error instanceof TablesFull || isCollision(error))) throw error;
      }
    }
    state.tables = this.#make(all());
    return true;
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

function isCollision(error: unknown): boolean {
  return error instanceof SelectorError && error.code === "collision";
}
