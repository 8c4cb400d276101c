import type { OnRecord, RingReader } from "./kernel/ring.ts";

export interface DrainOptions {
  ring: RingReader;
  onRecord: OnRecord;
  /** Called after each pass, also when there was nothing. */
  afterDrain: (records: number) => void;
  /** Time between passes while the ring is empty; see `pauseAfter`. */
  intervalMs: number;
  onError: (error: unknown) => void;
}

/** Records in one pass; then acknowledgements and timers get their turn. */
const PASS_MAX = 4096;
/** Without any record for so many passes it is longer: nothing happens, and each pass costs. */
const QUIET_PASSES = 20;
const QUIET_FACTOR = 2;
/** After a pass that found something. */
const BUSY_FACTOR = 2.5;

/**
 * How long until the next pass, in ms, after one that found `read` records, the last of `quiet` passes that found none.
 * What comes after a pause is read soon; what comes thick and fast is read, sent and evaluated in larger portions, because
 * each is a write to the bus and a message for everybody behind it, whatever is in it. 0: at once.
 */
export function pauseAfter(read: number, quiet: number, intervalMs: number): number {
  if (read >= PASS_MAX) return 0;
  if (read > 0) return intervalMs * BUSY_FACTOR;
  return quiet > QUIET_PASSES ? intervalMs * QUIET_FACTOR : intervalMs;
}

/** Reads the ring at intervals: the kernel wakes nobody up, which is what makes its programs cheap. */
export class DrainLoop {
  /** Passes so far, and the records of all of them. */
  readonly counters = { passes: 0, records: 0 };
  readonly #options: DrainOptions;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #running = false;
  #draining = false;
  #quiet = 0;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  /** True within a pass. */
  get draining(): boolean {
    return this.#draining;
  }

  start(): void {
    this.#running = true;
    this.#timer = setTimeout(this.#pass, this.#options.intervalMs);
  }

  /** Reads all that is there now. Does nothing when called from within a pass. */
  drainNow(): number {
    if (this.#draining) return 0;
    let records = 0;
    for (let read = PASS_MAX; read === PASS_MAX; records += read) read = this.#drain();
    return records;
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  readonly #pass = (): void => {
    let read = 0;
    try {
      read = this.#drain();
      this.#options.afterDrain(read);
    } catch (error) {
      this.#options.onError(error);
    }
    this.#quiet = read === 0 ? this.#quiet + 1 : 0;
    if (!this.#running) return;
    const pause = pauseAfter(read, this.#quiet, this.#options.intervalMs);
    if (pause === 0) this.#immediate = setImmediate(this.#pass);
    else this.#timer = setTimeout(this.#pass, pause);
  };

  #drain(): number {
    this.#draining = true;
    try {
      const read = this.#options.ring.drain(this.#options.onRecord, PASS_MAX);
      this.counters.passes++;
      this.counters.records += read;
      return read;
    } finally {
      this.#draining = false;
    }
  }
}
