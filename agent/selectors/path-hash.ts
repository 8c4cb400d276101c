const STEP = 0x9e3779b97f4a7c15n;
const END = 0xd6e8feb86659fd93n;

/**
 * The keyed hash of bpf/include/match_path.h, over words of 8 bytes. `exact` also hashes the length, as the whole path
 * does; without it, it is what the kernel has at that length on its way through a longer path.
 */
export class PathHash {
  readonly seed: bigint;
  /** Texts stay the same over revisions; 64-bit products are slow here. */
  #known = new Map<string, bigint>();
  #older = new Map<string, bigint>();

  constructor(seed: bigint) {
    this.seed = BigInt.asUintN(64, seed);
  }

  of(text: Uint8Array, exact: boolean): bigint {
    const key = (exact ? "=" : "<") + Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString("latin1");
    let hash = this.#known.get(key);
    if (hash !== undefined) return hash;
    hash = this.#older.get(key) ?? compute(this.seed, text, exact);
    if (this.#known.size >= 50_000) {
      this.#older = this.#known;
      this.#known = new Map();
    }
    this.#known.set(key, hash);
    return hash;
  }
}

function compute(seed: bigint, text: Uint8Array, exact: boolean): bigint {
  const padded = new Uint8Array((text.length + 7) & ~7);
  padded.set(text);
  const words = new BigUint64Array(padded.buffer);
  let hash = seed;
  for (let i = 0; i < words.length - 1; i++) {
    hash = BigInt.asUintN(64, (hash ^ words[i]!) * STEP);
    hash ^= hash >> 29n;
  }
  hash = BigInt.asUintN(64, (hash ^ (words.at(-1) ?? 0n)) * END);
  hash ^= hash >> 32n;
  return exact ? hash ^ BigInt(text.length) : hash;
}
