const STEP = [0x9e3779b1, 0x85ebca77] as const;
const END = [0xc2b2ae3d, 0x27d4eb2f] as const;

/**
 * The keyed hash of bpf/include/match_path.h, over words of 8 bytes, in two lanes of 32 bits. `exact` also hashes the
 * length, as the whole path does; without it, it is what the kernel has at that length on its way through a longer path.
 */
export class PathHash {
  readonly seed: bigint;
  readonly #low: number;
  readonly #high: number;

  constructor(seed: bigint) {
    this.seed = BigInt.asUintN(64, seed);
    this.#low = Number(this.seed & 0xffff_ffffn);
    this.#high = Number(this.seed >> 32n);
  }

  /** The lower and the upper half of the hash. */
  of(text: Uint8Array, exact: boolean): readonly [low: number, high: number] {
    let low = this.#low;
    let high = this.#high;
    const last = Math.max(0, Math.ceil(text.length / 8) - 1) * 8;
    for (let at = 0; at <= last; at += 8) {
      const [byLow, byHigh] = at === last ? END : STEP;
      low = Math.imul(low ^ word(text, at), byLow);
      high = Math.imul(high ^ word(text, at + 4), byHigh);
      low ^= high >>> 15;
      high ^= low >>> 13;
      high = Math.imul(high, byLow);
      low ^= high >>> 16;
    }
    if (exact) low ^= text.length;
    return [low >>> 0, high >>> 0];
  }
}

/** Four bytes as the kernel reads them, zero beyond the end. */
function word(text: Uint8Array, at: number): number {
  return (text[at] ?? 0) | ((text[at + 1] ?? 0) << 8) | ((text[at + 2] ?? 0) << 16) | ((text[at + 3] ?? 0) << 24);
}
