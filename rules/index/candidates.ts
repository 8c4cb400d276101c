/** Units that an event may concern, each once. Begun anew for each event; nothing is allocated. */
export class Candidates {
  readonly list: Int32Array;
  count = 0;
  readonly #seen: Uint32Array;
  #event = 0;

  constructor(units: number) {
    this.list = new Int32Array(units);
    this.#seen = new Uint32Array(units);
  }

  begin(): void {
    this.count = 0;
    if (++this.#event < 0xffffffff) return;
    this.#event = 1;
    this.#seen.fill(0);
  }

  add(units: Int32Array): void {
    for (let n = 0; n < units.length; n++) {
      const unit = units[n]!;
      if (this.#seen[unit] === this.#event) continue;
      this.#seen[unit] = this.#event;
      this.list[this.count++] = unit;
    }
  }
}
