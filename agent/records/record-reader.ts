import { RecordError } from "./errors.ts";
import { TextCache } from "./text-cache.ts";

const HEADER_BYTES = 16;
const TWO_TO_32 = 0x1_0000_0000;
const texts = new TextCache();

/** The kind of the record at `offset`, or 0 when `length` bytes cannot hold a header. */
export function recordKind(data: Buffer, offset: number, length: number): number {
  return length < HEADER_BYTES ? 0 : data.readUInt16LE(offset);
}

/**
 * Reads one kind of record where it lies. One reader serves all records of its kind, one after the other: what its
 * getters return is good until the next `at`, strings and numbers for ever.
 */
export abstract class RecordReader {
  readonly #kind: number;
  readonly #fixedBytes: number;
  #data: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #offset = 0;

  protected constructor(kind: number, fixedBytes: number) {
    this.#kind = kind;
    this.#fixedBytes = fixedBytes;
  }

  /** Bytes that this record's tails have together, by their length fields. */
  protected abstract tailBytes(): number;

  /**
   * Moves to the record of `length` bytes at `offset`.
   * @throws RecordError when kind or size are not what they have to be; the reader is then at no record.
   */
  at(data: Buffer, offset: number, length: number): this {
    if (this.#data !== data) {
      this.#data = data;
      this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    }
    this.#offset = offset;
    if (length < this.#fixedBytes || offset + length > data.length) throw this.#wrongSize(length);
    if (this.u16(0) !== this.#kind)
      throw new RecordError("record_kind", `a record of kind ${this.u16(0)}, not ${this.#kind}`);
    if (this.u32(4) !== length || this.#fixedBytes + this.tailBytes() !== length) throw this.#wrongSize(length);
    return this;
  }

  #wrongSize(length: number): RecordError {
    return new RecordError("record_size", `a record of kind ${this.#kind} cannot have ${length} bytes`);
  }

  protected u8(at: number): number {
    return this.#view.getUint8(this.#offset + at);
  }

  protected u16(at: number): number {
    return this.#view.getUint16(this.#offset + at, true);
  }

  protected u32(at: number): number {
    return this.#view.getUint32(this.#offset + at, true);
  }

  protected s32(at: number): number {
    return this.#view.getInt32(this.#offset + at, true);
  }

  /** A signed 64-bit number as a double: exact up to 2^53. */
  protected s64(at: number): number {
    return Number(this.#view.getBigInt64(this.#offset + at, true));
  }

  /** A 64-bit number that has to be exact: a time. */
  protected u64(at: number): bigint {
    return this.#view.getBigUint64(this.#offset + at, true);
  }

  /** A 64-bit number as a double: exact up to 2^53, which ids and capability sets stay below. */
  protected number(at: number): number {
    return (
      this.#view.getUint32(this.#offset + at + 4, true) * TWO_TO_32 + this.#view.getUint32(this.#offset + at, true)
    );
  }

  /** Bytes of the record itself, not a copy. */
  protected bytes(at: number, length: number): Buffer {
    return this.#data.subarray(this.#offset + at, this.#offset + at + length);
  }

  /** UTF-8 text; bytes that are none become U+FFFD. */
  protected text(at: number, length: number): string {
    return texts.text(this.#data, this.#offset + at, this.#offset + at + length);
  }

  /** Text up to the first zero byte. */
  protected cstring(at: number, length: number): string {
    let end = 0;
    while (end < length && this.u8(at + end) !== 0) end++;
    return this.text(at, end);
  }

  protected index(index: number, count: number): number {
    if (!Number.isInteger(index) || index < 0 || index >= count)
      throw new RangeError(`index ${index} of ${count} entries`);
    return index;
  }
}
