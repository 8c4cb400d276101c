export interface BackoffOptions {
  /** Wait before the first restart, ms. */
  first: number;
  /** Longest wait, ms. */
  most: number;
  /** A run at least this long, ms, is forgiven what came before it. */
  healthy: number;
}

export const BACKOFF: BackoffOptions = { first: 250, most: 30_000, healthy: 60_000 };

/** Waits between restarts: each twice the one before, from the beginning after a healthy run. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions = BACKOFF) {
    this.#options = options;
  }

  /** The wait in ms after a run of `ranMs`. */
  next(ranMs: number): number {
    if (ranMs >= this.#options.healthy) this.#failures = 0;
    const wait = Math.min(this.#options.first * 2 ** this.#failures, this.#options.most);
    this.#failures++;
    return wait;
  }
}
