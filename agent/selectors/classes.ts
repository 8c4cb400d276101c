import { SelectorError } from "./errors.ts";

/** MATCH_DELTAS. */
export const DELTAS = 3;
const MOST = 2 ** 21 - 1;

/** A word and the bits of it that are turned, in halves of 32. */
export type Delta = [word: number, low: number, high: number];

/** A set of places: a bitmap, in which up to DELTAS words are turned. Never changed: the kernel may be reading it. */
export interface PlaceClass {
  base: number;
  deltas: readonly Delta[];
}

/** The classes of a hook, by number; number 0 has all places. */
export class ClassPool {
  readonly classes: PlaceClass[] = [{ base: 0, deltas: [] }];

  /** @throws SelectorError `limit` */
  add(base: number, deltas: readonly Delta[]): number {
    if (this.classes.length > MOST) throw new SelectorError("limit", `more than ${MOST} different values`);
    return this.classes.push({ base, deltas }) - 1;
  }
}
