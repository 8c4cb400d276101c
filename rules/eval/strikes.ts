/** So often a rule may be stopped before it is disabled: once it may be the machine's fault, or one event's. */
export const STRIKES_MAX = 2;

/**
 * How often each unit (rules, then policies) had to be stopped, because it took too long or too much memory. In memory that
 * an evaluation thread shares with whoever watches it, and that outlives the thread: a rule that ends now by the one, now by
 * the other, is struck for both.
 */
export class Strikes {
  readonly #cells: Int32Array<SharedArrayBuffer>;

  constructor(units: number | SharedArrayBuffer) {
    const memory = typeof units === "number" ? new SharedArrayBuffer(Math.max(1, units) * 4) : units;
    this.#cells = new Int32Array(memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#cells.buffer;
  }

  /** One more for a unit; whether that was the last that it may have. */
  add(unit: number): boolean {
    return Atomics.add(this.#cells, unit, 1) + 1 >= STRIKES_MAX;
  }

  /** Takes one back: it was the machine that was slow. */
  forgive(unit: number): void {
    Atomics.store(this.#cells, unit, 0);
  }
}
