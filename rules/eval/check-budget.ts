/** Lines a second that are checked although no rule can concern them: what an ordinary node sends, in about a hundredth of a core. */
const PER_SECOND = 1000;
/** As many at once, after a quiet time. */
const BURST = 2000;
/** How long all lines of a node are checked after one that had to be refused. */
const WARY_MS = 60_000;
/** Nodes that are remembered so. */
const WARY_MAX = 1024;

/**
 * Which lines are checked that no rule can concern. To parse them all would cost more than all the rest of the engine does, so
 * it is done up to a rate, and beyond it only for nodes that sent what is no event; what was not checked is counted.
 */
export class CheckBudget {
  readonly #now: () => number;
  readonly #wary = new Map<string, number>();
  #left = BURST;
  #at: number;

  /** `now` is a clock in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#at = now();
  }

  /** Says that a message begins. */
  refill(): void {
    const now = this.#now();
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) * PER_SECOND) / 1000);
    this.#at = now;
  }

  /** Whether a line of this node is to be checked. */
  take(node: string): boolean {
    if (this.#left >= 1) {
      this.#left--;
      return true;
    }
    if (this.#wary.size === 0) return false;
    const until = this.#wary.get(node);
    if (until === undefined || until > this.#at) return until !== undefined;
    this.#wary.delete(node);
    return false;
  }

  /** A line of this node was refused. */
  refused(node: string): void {
    if (this.#wary.size < WARY_MAX || this.#wary.has(node)) this.#wary.set(node, this.#at + WARY_MS);
  }
}
