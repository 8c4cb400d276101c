import { type Bitmap, setBit } from "./class-pool.ts";
import type { Condition, NormalSelector } from "./normalize.ts";
import type { Operand } from "./operands.ts";

/** One condition of one selector on the operand at hand. */
export interface Listed<C extends Condition> {
  selector: number;
  condition: C;
}

/**
 * What the selectors ask of one operand. A value that the operand can take is told apart from others by the set of
 * conditions that list it; the bit of a selector is whether all its conditions on the operand hold, so that several
 * predicates on one field are one lookup.
 */
export class ConditionIndex<C extends Condition> {
  readonly listed: Listed<C>[] = [];
  readonly #bySelector = new Map<number, C[]>();

  constructor(selectors: readonly NormalSelector[], operand: Operand) {
    for (const [selector, { conditions }] of selectors.entries())
      for (const condition of conditions) {
        if (condition.operand !== operand) continue;
        this.listed.push({ selector, condition: condition as C });
        const own = this.#bySelector.get(selector);
        if (own) own.push(condition as C);
        else this.#bySelector.set(selector, [condition as C]);
      }
  }

  get active(): boolean {
    return this.listed.length > 0;
  }

  /** The bitmap of a value that no condition lists, written over `bitmap`, which has every selector. */
  base(bitmap: Bitmap): Bitmap {
    for (const [selector, conditions] of this.#bySelector)
      setBit(
        bitmap,
        selector,
        conditions.every((condition) => condition.negative),
      );
    return bitmap;
  }

  /** Sets the selectors' bits for a value that lists exactly the conditions for which `lists` is true. */
  update(bitmap: Bitmap, selectors: Iterable<number>, lists: (condition: C) => boolean): void {
    for (const selector of selectors)
      setBit(
        bitmap,
        selector,
        this.#bySelector.get(selector)!.every((condition) => lists(condition) !== condition.negative),
      );
  }
}
