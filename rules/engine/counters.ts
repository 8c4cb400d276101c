/** What an evaluation thread counts. */
export const COUNTERS = [
  "messages",
  "messages_without_rules",
  "messages_failed",
  "messages_given_up",
  "events",
  "events_unchecked",
  "findings",
  "alerts",
  "suppressed",
  "summaries",
  "decisions",
  "rule_errors",
  "refused",
  "refused_not_json",
  "refused_not_event",
  "refused_kind_mismatch",
  "refused_node_mismatch",
  "refused_bad_id",
  "refused_bad_time",
  "refused_schema",
  "malformed_subjects",
  "windows_restored",
  "windows_unreadable",
  "windows_early",
] as const;
export type Counter = (typeof COUNTERS)[number];

const PLACE = new Map<string, number>(COUNTERS.map((name, place) => [name, place]));

/** Counters in memory that outlives the thread which writes them: what a thread that died had counted is not lost. */
export class Counters {
  readonly #cells: Float64Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(COUNTERS.length * 8)) {
    this.#cells = new Float64Array(memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#cells.buffer;
  }

  add(counter: Counter, amount = 1): void {
    this.#cells[PLACE.get(counter)!]! += amount;
  }

  set(counter: Counter, count: number): void {
    this.#cells[PLACE.get(counter)!] = count;
  }

  /** Those that are not zero, added to `sums`. */
  addTo(sums: Record<string, number>): void {
    for (const [place, name] of COUNTERS.entries()) {
      const count = this.#cells[place]!;
      if (count > 0) sums[name] = (sums[name] ?? 0) + count;
    }
  }
}
