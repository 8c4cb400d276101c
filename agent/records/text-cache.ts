/** Texts longer than this are rarely the same again. */
const LENGTH_MAX = 128;
const SLOTS = 1024;

/**
 * UTF-8 bytes as strings, where the same bytes come again and again (paths of binaries, working directories): the same
 * string each time, so that a thousand processes of one binary keep one. Forgets by being overwritten.
 */
export class TextCache {
  readonly #texts: string[] = Array.from({ length: SLOTS }, () => "");

  /** The bytes from `from` to before `to` as text; what is no UTF-8 becomes U+FFFD. */
  text(data: Buffer, from: number, to: number): string {
    const length = to - from;
    if (length === 0) return "";
    if (length > LENGTH_MAX) return data.toString("utf8", from, to);
    let hash = length;
    let high = 0;
    for (let i = from; i < to; i++) {
      const byte = data[i]!;
      hash = (Math.imul(hash, 31) + byte) | 0;
      high |= byte;
    }
    // beyond ASCII a character is several bytes, and comparing would have to decode
    if (high >= 0x80) return data.toString("utf8", from, to);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#texts[slot]!;
    if (known.length === length && same(known, data, from)) return known;
    return (this.#texts[slot] = data.toString("latin1", from, to));
  }
}

function same(text: string, data: Buffer, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== data[from + i]!) return false;
  return true;
}
