/** Selectors of a hook that the tables can hold: MATCH_WORDS of 64. */
export const MAX_SELECTORS = 160 * 64;

/** A bitmap over the selectors of a hook, in 32-bit halves of the kernel's words. */
export type Bitmap = Uint32Array;

export function setBit(bitmap: Bitmap, index: number, on: boolean): void {
  const bit = 1 << (index & 31);
  if (on) bitmap[index >> 5]! |= bit;
  else bitmap[index >> 5]! &= ~bit;
}

export function hasBit(bitmap: Bitmap, index: number): boolean {
  return ((bitmap[index >> 5]! >>> (index & 31)) & 1) === 1;
}

/** The different bitmaps of a hook: equal ones are one class. Class 0 has every selector. */
export class ClassPool {
  readonly bitmaps: Bitmap[] = [];
  readonly #halves: number;
  readonly #buckets = new Map<number, number[]>();

  constructor(selectors: number) {
    this.#halves = Math.ceil(selectors / 64) * 2;
    const all = this.empty();
    for (let i = 0; i < selectors; i++) setBit(all, i, true);
    this.classOf(all);
  }

  empty(): Bitmap {
    return new Uint32Array(this.#halves);
  }

  /** The class of a bitmap, which is kept when it is new: do not change it afterwards. */
  classOf(bitmap: Bitmap): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < bitmap.length; i++) hash = Math.imul(hash ^ bitmap[i]!, 0x01000193) ^ (hash >>> 15);
    const bucket = this.#buckets.get(hash);
    for (const index of bucket ?? []) if (same(this.bitmaps[index]!, bitmap)) return index;
    const index = this.bitmaps.push(bitmap) - 1;
    if (bucket) bucket.push(index);
    else this.#buckets.set(hash, [index]);
    return index;
  }
}

function same(a: Bitmap, b: Bitmap): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
