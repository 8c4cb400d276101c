const SLOTS = 4096;
const WIDTH = 256;
const HEAD = 8;

/**
 * The messages that a thread has in its hands, by their reply subjects, in memory that it shares with whoever watches it:
 * those of a thread that died can be given back at once, instead of when their time limit is over. One writer only.
 */
export class InHand {
  readonly #bytes: Buffer;
  readonly #working: Int32Array;
  readonly #free: number[] = [];

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(HEAD + SLOTS * WIDTH)) {
    this.#bytes = Buffer.from(memory);
    this.#working = new Int32Array(memory, 0, 1);
    for (let slot = SLOTS - 1; slot >= 0; slot--) if (this.#bytes[at(slot)] === 0) this.#free.push(slot);
  }

  get memory(): SharedArrayBuffer {
    return this.#working.buffer as SharedArrayBuffer;
  }

  /** Its slot; -1 for one that there is no room for, which is given back late. */
  take(reply: string): number {
    if (reply.length >= WIDTH) return -1;
    const slot = this.#free.pop() ?? -1;
    if (slot < 0) return -1;
    this.#bytes.write(reply, at(slot) + 1, reply.length, "latin1");
    this.#bytes[at(slot)] = reply.length;
    return slot;
  }

  drop(slot: number): void {
    if (slot < 0) return;
    this.#bytes[at(slot)] = 0;
    this.#free.push(slot);
  }

  /** Which of them is worked on; -1: none. */
  work(slot: number): void {
    Atomics.store(this.#working, 0, slot + 1);
  }

  /** The reply subject of the message that is worked on. */
  get working(): string | null {
    const slot = Atomics.load(this.#working, 0) - 1;
    return slot < 0 ? null : this.#read(slot);
  }

  /** The reply subjects of all. */
  list(): string[] {
    const replies: string[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      const reply = this.#read(slot);
      if (reply !== null) replies.push(reply);
    }
    return replies;
  }

  #read(slot: number): string | null {
    const length = this.#bytes[at(slot)]!;
    return length === 0 ? null : this.#bytes.toString("latin1", at(slot) + 1, at(slot) + 1 + length);
  }
}

function at(slot: number): number {
  return HEAD + slot * WIDTH;
}
