import type { OnRecord, RingReader } from "./kernel/ring.ts";

export interface DrainOptions {
  ring: RingReader;
  onRecord: OnRecord;
  /** Called after each pass, also when there was nothing. */
  afterDrain: (records: number) => void;
  /** Time between passes while there is something to read. */
  intervalMs: number;
  onError: (error: unknown) => void;
}

/** Records in one pass; then acknowledgements and timers get their turn. */
const PASS_MAX = 4096;
/** Without any record for so many passes the interval doubles: nothing happens, and each pass costs. */
const QUIET_PASSES = 20;
/** With so many records in a pass it doubles as well: larger batches cost the bus and everybody behind it less. */
const BUSY_RECORDS = 24;

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
    if (read === PASS_MAX) this.#immediate = setImmediate(this.#pass);
    else {
      const relaxed = this.#quiet > QUIET_PASSES || read >= BUSY_RECORDS;
      this.#timer = setTimeout(this.#pass, this.#options.intervalMs * (relaxed ? 2 : 1));
    }
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
