import koffi from "koffi";
import { KernelError } from "./errors.ts";
import { lastErrno, libc, MAP_SHARED, pageSize, PROT_READ, PROT_WRITE } from "./libc.ts";

/**
 * Gets one record: `length` bytes at `offset` of `data`, valid during the call only. `data` is the whole mapped ring
 * (records never wrap in it) and must not be written to: the mapping is read-only.
 */
export type OnRecord = (data: Buffer, offset: number, length: number) => void;

const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const BUSY = 0x8000_0000 | 0;
const DISCARD = 0x4000_0000;
const LENGTH = 0x3fff_ffff;
const HEADER = 8;

/** Reads a BPF ring buffer in place, through the mapping that the kernel gives of it. One reader per ring. */
export class RingReader {
  readonly sizeBytes: number;
  /** How often room is given back to the kernel during one long drain. */
  readonly #giveBack: number;
  readonly #page: number;
  #consumerAddress: bigint | null;
  #producerAddress: bigint | null;
  readonly #consumer: BigInt64Array<ArrayBuffer>;
  readonly #producer: BigInt64Array<ArrayBuffer>;
  readonly #headers: Int32Array<ArrayBuffer>;
  readonly #data: Buffer<ArrayBuffer>;
  #position: number;

  /** `fd` is the ring's, which may be closed afterwards; `sizeBytes` its max_entries. */
  constructor(fd: number, sizeBytes: number) {
    const page = pageSize();
    if (sizeBytes < page || (sizeBytes & (sizeBytes - 1)) !== 0)
      throw new KernelError("ring", `a ring buffer has a power of two of bytes, at least ${page}, not ${sizeBytes}`);
    this.#page = page;
    this.sizeBytes = sizeBytes;
    this.#giveBack = sizeBytes >> 3;
    this.#consumerAddress = map(page, PROT_READ | PROT_WRITE, fd, 0);
    try {
      this.#producerAddress = map(page + 2 * sizeBytes, PROT_READ, fd, page);
    } catch (error) {
      libc().munmap(this.#consumerAddress, page);
      throw error;
    }
    const positions = koffi.view(this.#producerAddress, page + 2 * sizeBytes);
    this.#consumer = new BigInt64Array(koffi.view(this.#consumerAddress, page), 0, 1);
    this.#producer = new BigInt64Array(positions, 0, 1);
    this.#headers = new Int32Array(positions, page, (2 * sizeBytes) / 4);
    this.#data = Buffer.from(positions, page, 2 * sizeBytes);
    this.#position = Number(Atomics.load(this.#consumer, 0));
  }

  /** Bytes written and not yet drained. */
  pending(): number {
    return Number(Atomics.load(this.#producer, 0)) - this.#position;
  }

  /**
   * Hands every complete record to `onRecord`, at most `max`, and returns how many. Stops at a record that its program
   * is still writing. When `onRecord` throws, its record counts as read and the error goes on to the caller.
   */
  drain(onRecord: OnRecord, max: number = Number.MAX_SAFE_INTEGER): number {
    const headers = this.#headers;
    const data = this.#data;
    const mask = this.sizeBytes - 1;
    // positions are 64-bit and grow for ever; a double is exact up to 2^53 bytes, years at any rate that one core reads
    const end = Number(Atomics.load(this.#producer, 0));
    let position = this.#position;
    let given = position;
    let count = 0;
    try {
      while (position < end && count < max) {
        const offset = position & mask;
        const header = Atomics.load(headers, offset >> 2);
        if ((header & BUSY) !== 0) break;
        const length = header & LENGTH;
        position += (length + HEADER + 7) & ~7;
        if ((header & DISCARD) !== 0) continue;
        count++;
        onRecord(data, offset + HEADER, length);
        if (position - given >= this.#giveBack) {
          Atomics.store(this.#consumer, 0, BigInt(position));
          given = position;
        }
      }
    } finally {
      if (position !== given) Atomics.store(this.#consumer, 0, BigInt(position));
      this.#position = position;
    }
    return count;
  }

  /** Unmaps; buffers seen in onRecord become empty. */
  close(): void {
    if (this.#consumerAddress === null) return;
    // detached views throw or read undefined where a stale pointer would crash the process
    this.#consumer.buffer.transfer(0);
    this.#producer.buffer.transfer(0);
    libc().munmap(this.#consumerAddress, this.#page);
    libc().munmap(this.#producerAddress, this.#page + 2 * this.sizeBytes);
    this.#consumerAddress = null;
    this.#producerAddress = null;
  }
}

function map(length: number, protection: number, fd: number, offset: number): bigint {
  const address = libc().mmap(null, length, protection, MAP_SHARED, fd, offset);
  if (address === null || address === MAP_FAILED || address === -1n)
    throw new KernelError("ring", `cannot map ${length} bytes of ring buffer ${fd}`, { errno: lastErrno() });
  return address;
}
