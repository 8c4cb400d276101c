/** MATCH_WORDS of 64 places. */
export const WORDS = 256;
export const PLACES = WORDS * 64;

/** A set of places, in 32-bit halves of the kernel's words. */
export type Bitmap = Uint32Array;

/** Bits that differ from another bitmap, by word: [low half, high half], to be combined by exclusive or. */
export type Difference = Map<number, [number, number]>;

export function setBit(bitmap: Bitmap, place: number, on: boolean): void {
  const bit = 1 << (place & 31);
  if (on) bitmap[place >> 5]! |= bit;
  else bitmap[place >> 5]! &= ~bit;
}

export function hasBit(bitmap: Bitmap, place: number): boolean {
  return ((bitmap[place >> 5]! >>> (place & 31)) & 1) === 1;
}

/** Turns one place of a difference. */
export function turn(difference: Difference, place: number): void {
  const word = place >> 6;
  let halves = difference.get(word);
  if (halves === undefined) {
    halves = [0, 0];
    difference.set(word, halves);
  }
  const half = (place >> 5) & 1;
  halves[half]! ^= 1 << (place & 31);
}

/** The exclusive or of two differences, without words in which nothing differs. */
export function combine(a: Difference, b: Difference): Difference {
  const result: Difference = new Map(a);
  for (const [word, [low, high]] of b) {
    const there = result.get(word);
    if (there === undefined) result.set(word, [low, high]);
    else if (there[0] === low && there[1] === high) result.delete(word);
    else result.set(word, [there[0] ^ low, there[1] ^ high]);
  }
  return result;
}

/** The whole bitmaps of a hook. Number 0 has all places, and keeps them. */
export class BitmapPool {
  readonly bitmaps: Bitmap[] = [new Uint32Array(WORDS * 2).fill(0xffff_ffff)];
  /** Told of each bitmap that was changed or is new. */
  readonly #changed: (number: number) => void;

  constructor(changed: (number: number) => void) {
    this.#changed = changed;
  }

  /** A new bitmap: a copy of another with a difference. */
  copy(from: number, difference: Difference = new Map()): number {
    const bitmap = this.bitmaps[from]!.slice();
    for (const [word, [low, high]] of difference) {
      bitmap[word * 2]! ^= low;
      bitmap[word * 2 + 1]! ^= high;
    }
    return this.add(bitmap);
  }

  add(bitmap: Bitmap): number {
    const number = this.bitmaps.push(bitmap) - 1;
    this.#changed(number);
    return number;
  }

  set(number: number, place: number, on: boolean): void {
    setBit(this.bitmaps[number]!, place, on);
    this.#changed(number);
  }
}
