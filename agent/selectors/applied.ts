import { type Hook, HOOKS } from "../../bus/types/selector.ts";
import type { HookChange } from "./installer.ts";
import { type NormalSelector, sameShape } from "./normalize.ts";
import type { HookTables } from "./hook-tables.ts";

/** A selector in force. */
export interface Applied {
  normal: NormalSelector;
  place: number;
}

/** Nanoseconds in which an installation is done. */
const SOON = 5_000_000_000n;

/**
 * Whether a selector can be changed where it stands, while events are matched with it: no event may tell which of the two it
 * saw. A lease that ends about now, or has ended, is not changed but given a place of its own.
 */
function canTouch(before: NormalSelector, after: NormalSelector, now: bigint): boolean {
  const lasts = ({ deadline }: NormalSelector) => deadline === null || deadline > now + SOON;
  return sameShape(before, after) && lasts(before) && lasts(after);
}

/** The selectors in force by hook and key, with the places that they have in the hook's tables. */
export class AppliedSelectors {
  readonly #hooks = new Map<Hook, Map<string, Applied>>(HOOKS.map((hook) => [hook, new Map<string, Applied>()]));

  get(hook: Hook, key: string): NormalSelector | undefined {
    return this.#hooks.get(hook)?.get(key)?.normal;
  }

  placeOf(hook: Hook, key: string): number | undefined {
    return this.#hooks.get(hook)?.get(key)?.place;
  }

  *[Symbol.iterator](): Generator<[key: string, selector: NormalSelector]> {
    for (const hook of this.#hooks.values()) for (const [key, { normal }] of hook) yield [key, normal];
  }

  clear(): void {
    for (const hook of this.#hooks.values()) hook.clear();
  }

  /** What has to change so that these are in force and nothing else; hooks for which nothing has to are not named. */
  changesTo(wanted: ReadonlyMap<string, NormalSelector>, now: bigint): Map<Hook, HookChange> {
    const changes = new Map<Hook, HookChange>();
    const changeOf = (hook: Hook): HookChange => {
      let change = changes.get(hook);
      if (change === undefined) {
        const all = () => [...wanted.values()].filter((selector) => selector.hook === hook);
        changes.set(hook, (change = { gone: [], come: [], touched: [], all }));
      }
      return change;
    };
    let kept = 0;
    for (const [key, selector] of wanted) {
      const there = this.#hooks.get(selector.hook)?.get(key);
      if (there !== undefined) kept++;
      if (there?.normal === selector) continue;
      const change = changeOf(selector.hook);
      if (there !== undefined && canTouch(there.normal, selector, now)) change.touched.push([there.place, selector]);
      else {
        if (there !== undefined) change.gone.push(there.place);
        change.come.push(selector);
      }
    }
    if (kept !== this.#size())
      for (const [hook, applied] of this.#hooks)
        for (const [key, { place }] of applied) if (wanted.get(key)?.hook !== hook) changeOf(hook).gone.push(place);
    return changes;
  }

  /** Takes in that the changes are in force. `anew`: hooks whose tables were made anew. */
  settle(
    wanted: ReadonlyMap<string, NormalSelector>,
    changes: ReadonlyMap<Hook, HookChange>,
    anew: ReadonlySet<Hook>,
    tablesOf: (hook: Hook) => HookTables | undefined,
  ): void {
    for (const [hook, change] of changes) {
      const applied = this.#hooks.get(hook)!;
      const places = new Map<NormalSelector, number>();
      const note = (place: number, selector: NormalSelector | undefined) => {
        if (selector !== undefined) places.set(selector, place);
      };
      const selectors = tablesOf(hook)?.selectors ?? [];
      if (anew.has(hook)) {
        applied.clear();
        for (const [place, selector] of selectors.entries()) note(place, selector);
        for (const selector of change.all())
          applied.set(selector.key, { normal: selector, place: places.get(selector)! });
        continue;
      }
      for (const key of applied.keys()) if (wanted.get(key)?.hook !== hook) applied.delete(key);
      for (const [place, normal] of change.touched) applied.set(normal.key, { normal, place });
      // those that came have the last places
      const come = new Set(change.come);
      for (let place = selectors.length - 1; place >= 0 && places.size < come.size; place--) {
        const selector = selectors[place];
        if (selector !== undefined && come.has(selector)) note(place, selector);
      }
      for (const normal of change.come) applied.set(normal.key, { normal, place: places.get(normal)! });
    }
  }

  #size(): number {
    return [...this.#hooks.values()].reduce((sum, hook) => sum + hook.size, 0);
  }
}
