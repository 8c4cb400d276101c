import type { Alert } from "../../bus/types/alert.ts";
import { shortHash } from "../../bus/ids.ts";
import type { Finding } from "../eval/finding.ts";

interface Window {
  first: Alert;
  last: Alert;
  /** Findings in it, the first among them. */
  count: number;
  /** Ids of its findings, so that a redelivered event is not counted twice. */
  ids: Set<string>;
  ends: number;
}

export interface DedupeOptions {
  /** Milliseconds that only go forward. */
  now?: () => number;
  /** Most windows open at once; past it the oldest ends early. */
  maxWindows?: number;
}

const IDS_MAX = 10_000;

/**
 * Findings of the same key within a time are one: the first is published at once, and when the time is over one summary
 * tells how many there were. What is remembered is lost with the process; a finding that comes again then has its old id.
 */
export class Dedupe {
  readonly #windows = new Map<string, Window>();
  readonly #now: () => number;
  readonly #max: number;
  readonly #early: Alert[] = [];

  constructor(options: DedupeOptions = {}) {
    this.#now = options.now ?? (() => performance.now());
    this.#max = options.maxWindows ?? 10_000;
  }

  /** Whether the finding is to be published now; false when it only counts. */
  admit({ alert, dedupe }: Finding): boolean {
    if (dedupe === null) return true;
    const key = `${alert.rule} ${dedupe.key}`;
    const window = this.#windows.get(key);
    if (window === undefined || window.ends <= this.#now()) {
      if (window !== undefined) this.#close(key, window);
      this.#open(key, alert, dedupe.within);
      return true;
    }
    // The event came again: most likely its alert was not acked. Published once more it has the id that it had.
    if (alert.id === window.first.id) return true;
    if (window.ids.has(alert.id)) return false;
    if (window.ids.size < IDS_MAX) window.ids.add(alert.id);
    window.count++;
    if (alert.last_time >= window.last.last_time) window.last = alert;
    return false;
  }

  /** Summaries of the windows that have ended, of all of them with `all`. */
  ended(all = false): Alert[] {
    const now = this.#now();
    for (const [key, window] of this.#windows) if (all || window.ends <= now) this.#close(key, window);
    return this.#early.splice(0);
  }

  get open(): number {
    return this.#windows.size;
  }

  #open(key: string, alert: Alert, within: number): void {
    if (this.#windows.size >= this.#max) {
      const [oldest] = this.#windows;
      if (oldest !== undefined) this.#close(...oldest);
    }
    this.#windows.set(key, {
      first: alert,
      last: alert,
      count: 1,
      ids: new Set([alert.id]),
      ends: this.#now() + within,
    });
  }

  #close(key: string, { first, last, count }: Window): void {
    this.#windows.delete(key);
    if (count < 2) return;
    this.#early.push({
      ...last,
      id: shortHash(["summary", first.id]),
      first_time: first.first_time,
      count,
      summary: true,
    });
  }
}
