import type { OnRecord, RingReader } from "./kernel/ring.ts";
import type { RingSleep } from "./kernel/ring-sleep.ts";

export interface DrainOptions {
  ring: RingReader;
  onRecord: OnRecord;
  /** Called after each pass, also when there was nothing. */
  afterDrain: (records: number) => void;
  /** Time between passes; see `pauseAfter`. */
  intervalMs: number;
  onError: (error: unknown) => void;
  /** How to sleep while nothing happens. */
  sleep: RingSleep;
  /** Called before it sleeps: finishes what would have had time until a later pass. False: not yet, pass again. */
  beforeSleep: () => boolean;
}

/** Records in one pass; then acknowledgements and timers get their turn. */
const PASS_MAX = 4096;
/** After so many passes without a record nothing happens: then the next record wakes the agent, instead of a timer. */
const QUIET_PASSES = 2;
/** After a pass that found something. */
const BUSY_FACTOR = 2.5;

/**
 * How long until the next pass, in ms, after one that found `read` records. What comes after a pause is read soon; what
 * comes thick and fast is read, sent and evaluated in larger portions, because each is a write to the bus and a message for
 * everybody behind it, whatever is in it. 0: at once.
 */
export function pauseAfter(read: number, intervalMs: number): number {
  if (read >= PASS_MAX) return 0;
  return read > 0 ? intervalMs * BUSY_FACTOR : intervalMs;
}

/**
 * Reads the ring: at intervals while records come, so that the kernel wakes nobody up, which is what makes its programs
 * cheap; and when the kernel wakes it up while none come, so that waiting costs nothing.
 */
export class DrainLoop {
  /** Passes so far, the records of all of them, and how often it slept. */
  readonly counters = { passes: 0, records: 0, sleeps: 0 };
  readonly #options: DrainOptions;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #asleep: Promise<void> | undefined;
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

  /** A pass soon, also when nothing comes: there is something to finish that no record told of. */
  wake(): void {
    if (this.#asleep !== undefined) this.#options.sleep.interrupt();
  }

  /** Resolves when it does not use the ring any more. */
  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.wake();
    await this.#asleep;
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
    if (this.#quiet >= QUIET_PASSES && this.#options.beforeSleep()) {
      this.#asleep = this.#sleep();
      return;
    }
    const pause = pauseAfter(read, this.#options.intervalMs);
    if (pause === 0) this.#immediate = setImmediate(this.#pass);
    else this.#timer = setTimeout(this.#pass, pause);
  };

  async #sleep(): Promise<void> {
    this.counters.sleeps++;
    try {
      await this.#options.sleep.untilRecord();
    } catch (error) {
      this.#options.onError(error);
      // a kernel that cannot wake us is read by the timer
      this.#quiet = 0;
    }
    this.#asleep = undefined;
    if (this.#running) this.#pass();
  }

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
