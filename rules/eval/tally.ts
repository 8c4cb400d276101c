const FIELDS = 4;

/** What was counted of a rule or policy. */
export interface Counts {
  evaluations: number;
  hits: number;
  errors: number;
  time_us: number;
}

/** Counts of each unit (rules, then policies) in shared memory: written by the evaluation thread, read by the main one. */
export class Tally {
  readonly #cells: Float64Array<SharedArrayBuffer>;

  constructor(units: number | SharedArrayBuffer) {
    const memory = typeof units === "number" ? new SharedArrayBuffer(Math.max(1, units) * FIELDS * 8) : units;
    this.#cells = new Float64Array(memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#cells.buffer;
  }

  evaluated(unit: number, hit: boolean): void {
    this.#cells[unit * FIELDS]! += 1;
    if (hit) this.#cells[unit * FIELDS + 1]! += 1;
  }

  failed(unit: number): void {
    this.#cells[unit * FIELDS]! += 1;
    this.#cells[unit * FIELDS + 2]! += 1;
  }

  took(unit: number, us: number): void {
    this.#cells[unit * FIELDS + 3]! += us;
  }

  read(unit: number): Counts {
    const [evaluations = 0, hits = 0, errors = 0, time_us = 0] = this.#cells.subarray(
      unit * FIELDS,
      (unit + 1) * FIELDS,
    );
    return { evaluations, hits, errors, time_us };
  }
}
