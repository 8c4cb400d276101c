import type { Bitmap, ClassPool } from "./class-pool.ts";
import type { ConditionIndex } from "./condition-index.ts";
import type { Condition } from "./normalize.ts";
import type { NumberOperand } from "./operands.ts";

type NumberCondition = Extract<Condition, { operand: NumberOperand }>;

/** Numbers from `low` to `high` that the selectors do not tell apart. */
export interface Interval {
  low: number;
  high: number;
  class: number;
}

/** A number's highest `bits` bits. */
export interface BitPrefix {
  value: number;
  bits: number;
}

/** Cuts 0..2^bits-1 where any condition begins or ends; returns the pieces whose class is not the base's. */
export function classifyIntervals(
  index: ConditionIndex<NumberCondition>,
  bits: 16 | 32,
  pool: ClassPool,
  base: Bitmap,
): Interval[] {
  const changes = new Map<number, { selector: number; condition: NumberCondition; by: number }[]>();
  const change = (at: number, selector: number, condition: NumberCondition, by: number) => {
    const list = changes.get(at);
    if (list) list.push({ selector, condition, by });
    else changes.set(at, [{ selector, condition, by }]);
  };
  for (const { selector, condition } of index.listed)
    for (const [low, high] of condition.ranges) {
      change(low, selector, condition, 1);
      change(high + 1, selector, condition, -1);
    }
  const cuts = [...changes.keys()].sort((a, b) => a - b);
  const covering = new Map<NumberCondition, number>();
  const baseClass = pool.classOf(base);
  const bitmap = base.slice();
  const intervals: Interval[] = [];
  for (const [place, low] of cuts.entries()) {
    const here = changes.get(low)!;
    for (const { condition, by } of here) covering.set(condition, (covering.get(condition) ?? 0) + by);
    index.update(
      bitmap,
      new Set(here.map(({ selector }) => selector)),
      (condition) => (covering.get(condition) ?? 0) > 0,
    );
    const high = (cuts[place + 1] ?? 2 ** bits) - 1;
    const number = pool.classOf(bitmap.slice());
    if (low < 2 ** bits && number !== baseClass) intervals.push({ low, high, class: number });
  }
  return intervals;
}

/** The fewest prefixes of `width` bits that together are `low`..`high`. */
export function prefixesOf(low: number, high: number, width: 16 | 32): BitPrefix[] {
  const prefixes: BitPrefix[] = [];
  for (let at = low; at <= high;) {
    let size = 1;
    while (at % (size * 2) === 0 && at + size * 2 - 1 <= high && size < 2 ** width) size *= 2;
    prefixes.push({ value: at, bits: width - Math.log2(size) });
    at += size;
  }
  return prefixes;
}
