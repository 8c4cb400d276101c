/** No rule is being evaluated. */
export const IDLE = -1;
/** All Rego of a kind at once: which of them it is cannot be told. */
export const GROUP = -2;

/**
 * What an evaluation thread is doing, in memory that it shares with whoever watches it: the rule that it is in, and a count
 * that goes up each time it enters one. A thread whose count stands still inside a rule is stuck there.
 */
export class Watch {
  readonly #cells: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.#cells = new Int32Array(memory);
    if (Atomics.load(this.#cells, 1) === 0) Atomics.store(this.#cells, 0, IDLE);
  }

  get memory(): SharedArrayBuffer {
    return this.#cells.buffer;
  }

  enter(unit: number): void {
    Atomics.add(this.#cells, 1, 1);
    Atomics.store(this.#cells, 0, unit);
  }

  leave(): void {
    Atomics.store(this.#cells, 0, IDLE);
  }

  read(): { unit: number; count: number } {
    return { unit: Atomics.load(this.#cells, 0), count: Atomics.load(this.#cells, 1) };
  }
}
