/** A stretch of time from which events of some kind are missing. Times are ns since boot; `count` null when unknown. */
export interface Gap {
  reason: string;
  kind: string;
  count: number | null;
  from: bigint;
  to: bigint;
}

/** Counts what was lost, by reason and kind, and keeps what has not been said yet. */
export class LossBook {
  readonly #unsaid = new Map<string, Gap>();
  readonly #totals = new Map<string, number>();

  /** Losses of the same reason and kind that have not been said become one gap. */
  add(gap: Gap): void {
    const key = `${gap.reason}.${gap.kind}`;
    this.#totals.set(key, (this.#totals.get(key) ?? 0) + (gap.count ?? 0));
    const before = this.#unsaid.get(key);
    if (before === undefined) {
      this.#unsaid.set(key, { ...gap });
      return;
    }
    before.count = before.count === null || gap.count === null ? null : before.count + gap.count;
    if (gap.from < before.from) before.from = gap.from;
    if (gap.to > before.to) before.to = gap.to;
  }

  /** What has not been said yet; counts as said afterwards. */
  take(): Gap[] {
    const gaps = [...this.#unsaid.values()];
    this.#unsaid.clear();
    return gaps;
  }

  /** `<reason>.<kind>` -> events lost since the agent started, as far as they could be counted. */
  totals(): Record<string, number> {
    return Object.fromEntries(this.#totals);
  }
}
