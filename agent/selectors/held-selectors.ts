import type { Hook } from "../../bus/types/selector.ts";
import type { RefusedSelector } from "../../bus/types/status.ts";
import { SelectorError } from "./errors.ts";
import { HookLimits } from "./hook-limits.ts";
import type { HookChange } from "./installer.ts";
import { type NormalSelector, sameShape, selectorKey } from "./normalize.ts";
import type { ActiveSelector } from "./types.ts";

/** What a selector was made of: it stands while that is the same. */
export interface Made {
  normal: NormalSelector;
  scopeKey: string;
  scopeText: string;
  ability: unknown;
  demoted: boolean;
}

/** A selector in force, or on its way there. */
export interface Held extends Made {
  source: ActiveSelector;
  key: string;
  /** Its place in the hook's tables. */
  place: number;
  /** The last round in which it was wanted. */
  round: number;
}

/** How a selector comes to be. */
export interface Making {
  /** Boottime ns. */
  now: bigint;
  /** Whether it is for this node, and has not ended. */
  isWanted(source: ActiveSelector): boolean;
  /** Whether a selector in force would be made again as it is. */
  stands(held: Held): boolean;
  /** `there`: the one that had its key, whose normal form is kept where nothing has changed. @throws SelectorError */
  make(source: ActiveSelector, there: Held | undefined): Made;
}

/** What has to be done so that what is wanted is in force and nothing else. */
export interface Plan {
  /** By hook; hooks at which nothing has to be done are not named. */
  changes: Map<Hook, HookChange>;
  refused: RefusedSelector[];
  gone: Held[];
  come: Held[];
  /** Those that change where they stand, or are the same from another source. */
  moved: { from: Held; to: Held }[];
  /** Selectors that will be in force. */
  count: number;
}

/** Nanoseconds in which an installation is done. */
const SOON = 5_000_000_000n;

/** The selectors in force. What stays costs next to nothing, however many there are. */
export class HeldSelectors {
  readonly #bySource = new Map<ActiveSelector, Held>();
  readonly #byKey = new Map<string, Held>();
  readonly #limits = new Map<Hook, HookLimits>();
  #round = 0;

  *[Symbol.iterator](): Generator<Held> {
    yield* this.#byKey.values();
  }

  get(key: string): Held | undefined {
    return this.#byKey.get(key);
  }

  plan(selectors: readonly ActiveSelector[], making: Making): Plan {
    const round = ++this.#round;
    const fresh: ActiveSelector[] = [];
    let standing = 0;
    for (const source of selectors) {
      const held = this.#bySource.get(source);
      if (held !== undefined && held.round !== round && making.stands(held)) {
        held.round = round;
        standing++;
      } else fresh.push(source);
    }
    const gone = new Map<string, Held>();
    if (standing < this.#bySource.size)
      for (const held of this.#bySource.values()) if (held.round !== round) gone.set(held.key, held);
    for (const { normal } of gone.values()) this.#limitsOf(normal.hook).giveBack(normal);
    const refused: RefusedSelector[] = [];
    const made = this.#make(fresh, making, gone, refused);
    return { ...this.#compare(made, gone, making.now), refused, count: standing + made.size };
  }

  /** Takes in that a plan is in force. `placed`: the places that have been given. */
  settle({ gone, come, moved, changes }: Plan, placed: ReadonlyMap<Hook, ReadonlyMap<NormalSelector, number>>): void {
    for (const held of [...gone, ...moved.map(({ from }) => from)]) this.#remove(held);
    for (const { from, to } of moved) {
      to.place = from.place;
      this.#add(to);
    }
    for (const held of come) this.#add(held);
    for (const hook of changes.keys()) {
      const places = placed.get(hook);
      if (places === undefined || places.size === 0) continue;
      const all = places.size > come.length ? this.#byKey.values() : come;
      for (const held of all) if (held.normal.hook === hook) held.place = places.get(held.normal) ?? held.place;
    }
  }

  /** Takes in that a plan came to nothing. */
  giveUp(): void {
    this.#limits.clear();
    for (const { normal } of this.#byKey.values()) this.#limitsOf(normal.hook).take(normal);
  }

  clear(): void {
    this.#bySource.clear();
    this.#byKey.clear();
    this.#limits.clear();
  }

  /** Selectors of a hook that are in force. */
  of(hook: Hook): NormalSelector[] {
    return [...this.#byKey.values()].flatMap(({ normal }) => (normal.hook === hook ? [normal] : []));
  }

  #make(
    fresh: readonly ActiveSelector[],
    making: Making,
    gone: ReadonlyMap<string, Held>,
    refused: RefusedSelector[],
  ): Map<string, Held> {
    const made = new Map<string, Held>();
    for (const source of fresh) {
      if (!making.isWanted(source)) continue;
      const { entry, selector } = source;
      try {
        const key = selectorKey(source);
        const there = gone.get(key);
        if (made.has(key) || (there === undefined && this.#byKey.has(key)))
          throw new SelectorError("duplicate", `id: ${selector.id} is there twice in ${entry}`);
        const one = making.make(source, there);
        this.#limitsOf(one.normal.hook).take(one.normal);
        made.set(key, { ...one, source, key, place: -1, round: this.#round });
      } catch (error) {
        if (!(error instanceof SelectorError)) throw error;
        refused.push({ selector: selector.id, entry, reason: error.message });
      }
    }
    return made;
  }

  #compare(made: ReadonlyMap<string, Held>, before: Map<string, Held>, now: bigint): Omit<Plan, "refused" | "count"> {
    const changes = new Map<Hook, HookChange>();
    const changeOf = (hook: Hook): HookChange => {
      let change = changes.get(hook);
      if (change === undefined) {
        const all = () => this.#wantedAt(hook, made);
        changes.set(hook, (change = { gone: [], come: [], touched: [], all }));
      }
      return change;
    };
    const come: Held[] = [];
    const moved: Plan["moved"] = [];
    for (const [key, to] of made) {
      const from = before.get(key);
      const same = from?.normal === to.normal;
      if (from !== undefined && (same || canTouch(from.normal, to.normal, now))) {
        if (!same) changeOf(to.normal.hook).touched.push([from.place, to.normal]);
        moved.push({ from, to });
        before.delete(key);
      } else {
        come.push(to);
        changeOf(to.normal.hook).come.push(to.normal);
      }
    }
    const gone = [...before.values()];
    for (const { normal, place } of gone) changeOf(normal.hook).gone.push(place);
    return { changes, gone, come, moved };
  }

  #wantedAt(hook: Hook, made: ReadonlyMap<string, Held>): NormalSelector[] {
    const standing = [...this.#bySource.values()].filter(({ round }) => round === this.#round);
    return [...standing, ...made.values()].flatMap(({ normal }) => (normal.hook === hook ? [normal] : []));
  }

  #add(held: Held): void {
    this.#bySource.set(held.source, held);
    this.#byKey.set(held.key, held);
  }

  #remove(held: Held): void {
    this.#bySource.delete(held.source);
    this.#byKey.delete(held.key);
  }

  #limitsOf(hook: Hook): HookLimits {
    let limits = this.#limits.get(hook);
    if (limits === undefined) this.#limits.set(hook, (limits = new HookLimits(hook)));
    return limits;
  }
}

/**
 * Whether a selector can be changed where it stands, while events are matched with it: no event may tell which of the two it
 * saw. A lease that ends about now, or has ended, is not changed but given a place of its own.
 */
function canTouch(before: NormalSelector, after: NormalSelector, now: bigint): boolean {
  const lasts = ({ deadline }: NormalSelector) => deadline === null || deadline > now + SOON;
  return lasts(before) && lasts(after) && sameShape(before, after);
}
