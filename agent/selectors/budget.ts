/** Denials that a selector may make in a minute before it goes back to mode monitor. */
export const DEFAULT_BUDGET = 10_000;
const WINDOW = 60_000_000_000n;

interface Sample {
  time: bigint;
  denied: number;
}

/** Denials of each selector in the last minute, from counters that are looked at now and then. */
export class Budget {
  readonly limit: number;
  readonly #samples = new Map<string, Sample[]>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Takes in a counter's value at boottime `time`; returns the denials of the minute before it. */
  add(key: string, denied: number, time: bigint): number {
    const samples = this.#samples.get(key) ?? [{ time, denied: 0 }];
    samples.push({ time, denied });
    // the last one before the window stays: it is what the window began with
    while (samples.length > 1 && samples[1]!.time <= time - WINDOW) samples.shift();
    this.#samples.set(key, samples);
    return denied - samples[0]!.denied;
  }

  forget(keys: readonly string[]): void {
    for (const key of keys) this.#samples.delete(key);
  }
}
