import { randomBytes } from "node:crypto";
import type { Hook } from "../../bus/types/selector.ts";
import { HOOKS } from "../../bus/types/selector.ts";
import { BpfMap } from "../kernel/map.ts";
import { compile, type HookTables } from "./compile.ts";
import { SelectorError } from "./errors.ts";
import { encodeHeader, SIZES, u32 } from "./layout.ts";
import { HOOK_NUMBER, type NormalSelector } from "./normalize.ts";
import { PathHash } from "./path-hash.ts";
import type { ScopeSets } from "./scope-sets.ts";
import type { SelectorMaps } from "./selector-maps.ts";
import { Slot } from "./slot.ts";

const SLOTS_PER_HOOK = 2;
const MAX_COLLISIONS = 8;

/** What a hook has in force. */
interface Installed {
  install: number;
  slot: Slot;
  tables: HookTables;
  signature: string;
}

/**
 * Puts compiled tables in force: each hook has two slots, of which the root's header names one. The other is filled, then
 * one update of the root puts all hooks onto their new tables. That update returns after every program that was using the
 * old ones has ended, so that the slot that it left may be filled the next time.
 */
export class Installer {
  readonly #maps: SelectorMaps;
  readonly #sets: ScopeSets;
  readonly #slots: Readonly<Record<Hook, readonly Slot[]>>;
  readonly #empty: BpfMap;
  #hash = new PathHash(randomBytes(8).readBigUInt64LE());
  #headers: BpfMap;
  #current = new Map<Hook, Installed>();
  #install = 0;

  constructor(maps: SelectorMaps, sets: ScopeSets) {
    this.#maps = maps;
    this.#sets = sets;
    const slots = (hook: Hook) =>
      Array.from({ length: SLOTS_PER_HOOK }, (_, i) => new Slot(HOOK_NUMBER[hook] * SLOTS_PER_HOOK + i, maps));
    this.#slots = {
      process_exec: slots("process_exec"),
      network_connect: slots("network_connect"),
      file_open: slots("file_open"),
    };
    this.#empty = this.#makeHeaders(new Map());
    this.#headers = this.#empty;
    this.settle();
  }

  /** The tables of a hook, once something is installed. */
  tablesOf(hook: Hook): HookTables | undefined {
    return this.#current.get(hook)?.tables;
  }

  installs(): { install: number; selectors: readonly NormalSelector[] }[] {
    return [...this.#current.values()].map(({ install, tables }) => ({ install, selectors: tables.selectors }));
  }

  /**
   * Installs all hooks' selectors. A hook for which nothing has changed keeps its tables and what is cached of them.
   * @throws SelectorError; then what was in force stays.
   */
  install(selectors: ReadonlyMap<Hook, readonly NormalSelector[]>, counterOf: (s: NormalSelector) => number): void {
    const next = new Map<Hook, Installed>();
    for (const hook of HOOKS) next.set(hook, this.#prepare(hook, selectors.get(hook) ?? [], counterOf));
    const headers = this.#makeHeaders(next);
    this.#swap(headers);
    this.#current = next;
  }

  /** Empties every hook at once. */
  disarm(): void {
    this.#swap(this.#empty);
    this.#current = new Map();
  }

  /** Returns after every program that was running has ended. */
  settle(): void {
    this.#maps.root.update(u32(0), u32(this.#headers.fd));
  }

  get lastInstall(): number {
    return this.#install;
  }

  close(): void {
    this.disarm();
    for (const slots of Object.values(this.#slots)) for (const slot of slots) slot.close();
    this.#empty.close();
  }

  #prepare(
    hook: Hook,
    selectors: readonly NormalSelector[],
    counterOf: (selector: NormalSelector) => number,
  ): Installed {
    const signature = this.#signature(selectors, counterOf);
    const current = this.#current.get(hook);
    if (current?.signature === signature) return current;
    const tables = this.#compile(selectors);
    const slot = this.#slots[hook].find((one) => one !== current?.slot)!;
    slot.fill(
      tables,
      this.#hash.seed,
      tables.selectors.map((selector) => counterOf(selector)),
    );
    return { install: ++this.#install, slot, tables, signature };
  }

  #compile(selectors: readonly NormalSelector[]): HookTables {
    for (let attempt = 0; ; attempt++) {
      try {
        return compile(selectors, this.#sets, this.#hash);
      } catch (error) {
        if (!(error instanceof SelectorError) || error.code !== "collision" || attempt >= MAX_COLLISIONS) throw error;
        this.#hash = new PathHash(randomBytes(8).readBigUInt64LE());
      }
    }
  }

  /** Everything that the tables are made of. */
  #signature(selectors: readonly NormalSelector[], counterOf: (selector: NormalSelector) => number): string {
    const members = new Set<string>();
    const parts = selectors.map((selector) => {
      for (const condition of selector.conditions) if ("member" in condition) members.add(condition.member);
      const { action, mode, priority, deadline, interval, conditions } = selector;
      return [
        counterOf(selector),
        action,
        mode,
        priority,
        deadline,
        interval,
        JSON.stringify(conditions, plain),
      ].join();
    });
    const sets = this.#sets.with(members).map(({ number }) => number);
    return [...parts, sets.join()].join("\n");
  }

  #makeHeaders(installed: ReadonlyMap<Hook, Installed>): BpfMap {
    const { match_header: valueSize } = SIZES;
    const headers = BpfMap.create({
      type: "array",
      name: "match_headers",
      keySize: 4,
      valueSize,
      maxEntries: HOOKS.length,
    });
    for (const [hook, { tables, install, slot }] of installed)
      headers.update(u32(HOOK_NUMBER[hook]), encodeHeader(tables, install, slot.number));
    return headers;
  }

  #swap(headers: BpfMap): void {
    const old = this.#headers;
    this.#maps.root.update(u32(0), u32(headers.fd));
    this.#headers = headers;
    if (old !== this.#empty && old !== headers) old.close();
  }
}

function plain(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}
