import type { StoredWindow } from "../../bus/clients/engine.ts";
import { shortHash } from "../../bus/ids.ts";
import type { Alert } from "../../bus/types/alert.ts";
import { reasonOf } from "../errors.ts";
import type { Finding } from "../eval/finding.ts";

/** Where windows are kept, so that they outlive the thread: the bus. */
export interface WindowStore {
  readWindows(partition: number): Promise<StoredWindow[]>;
  putWindow(partition: number, key: string, data: Uint8Array | null, keepMs: number): Promise<void>;
}

export interface WindowsOptions {
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Most windows open at once; past it the oldest ends early. */
  maxWindows?: number;
  onRestored?: (windows: number) => void;
  onUnreadable?: (reason: string) => void;
  onEarly?: () => void;
}

export interface Window {
  partition: number;
  key: string;
  first: Alert;
  /** The newest of more than one. */
  last: Alert | null;
  /** Findings in it, the first among them. */
  count: number;
  ends: number;
  /** Messages, by their sequence, whose findings are counted: delivered once more, they are not counted twice. */
  counted: Set<number>;
  /** Told and done with: storing it once more would bring it back. */
  closed: boolean;
}

/** A window that has ended, and what there is to tell of it. */
export interface EndedWindow {
  window: Window;
  summary: Alert | null;
}

const SEQUENCES_MAX = 512;
const SEQUENCES_STORED = 160;
/** So long a window is kept after its end, for whoever has to tell of it when its reader died. */
const KEPT_AFTER_MS = 600_000;
const CLOSED_KEPT_MS = 1000;
/** Least time between two times that windows are stored: in a flood, each would be stored for every message. */
const PAUSE_MS = 20;

/**
 * Findings of the same key within a time are one: the first is published at once, and when the time is over one summary
 * tells how many there were. Windows belong to the partition of their node. They are stored before the message that changed
 * them is acked, and whoever reads the partition next goes on with them.
 */
export class Windows {
  readonly #store: WindowStore;
  readonly #options: WindowsOptions;
  readonly #now: () => number;
  readonly #max: number;
  readonly #windows = new Map<string, Window>();
  readonly #early: EndedWindow[] = [];
  #dirty = new Set<Window>();
  #next: PromiseWithResolvers<void> | null = null;
  #storing = false;

  constructor(store: WindowStore, options: WindowsOptions = {}) {
    this.#store = store;
    this.#options = options;
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now());
    this.#max = options.maxWindows ?? 10_000;
  }

  get open(): number {
    return this.#windows.size;
  }

  /** Goes on with what the partition's last reader left. @throws {BusError} when it cannot be read */
  async restore(partition: number): Promise<void> {
    const stored = await this.#store.readWindows(partition);
    for (const { key, data, time } of stored) {
      try {
        const window = decode(partition, key, data, time);
        this.#windows.set(window.key, window);
      } catch (thrown) {
        this.#options.onUnreadable?.(`window ${partition}.${key}: ${reasonOf(thrown)}`);
      }
    }
    if (stored.length > 0) this.#options.onRestored?.(stored.length);
  }

  /** Another one reads the partition from now on. */
  forget(partition: number): void {
    for (const [key, window] of this.#windows) if (window.partition === partition) this.#windows.delete(key);
  }

  /** Those findings of a message that are to be published now; the others only count. */
  admit(findings: readonly Finding[], partition: number, sequence: number): Alert[] {
    const admitted: Alert[] = [];
    const again = new Map<Window, boolean>();
    for (const { alert, dedupe } of findings) {
      if (dedupe === null) {
        admitted.push(alert);
        continue;
      }
      let window = this.#windows.get(dedupe.key);
      if (window !== undefined && window.ends <= this.#now()) {
        this.#end(window);
        window = undefined;
      }
      if (window === undefined) {
        window = this.#open(partition, dedupe.key, alert, dedupe.within, sequence);
        again.set(window, false);
        admitted.push(alert);
        continue;
      }
      // The event came again: most likely its alert was not acked. Published once more it has the id that it had.
      if (alert.id === window.first.id) {
        admitted.push(alert);
        this.#dirty.add(window);
        continue;
      }
      let counted = again.get(window);
      if (counted === undefined) again.set(window, (counted = window.counted.has(sequence)));
      this.#dirty.add(window);
      if (counted) continue;
      count(window, alert, sequence);
    }
    return admitted;
  }

  /** Resolves when all that is open now is stored as it is. @throws {BusError} */
  async stored(): Promise<void> {
    if (this.#dirty.size === 0) return;
    this.#next ??= Promise.withResolvers<void>();
    const { promise } = this.#next;
    if (!this.#storing) void this.#storeAll();
    await promise;
  }

  /** The windows that have ended since the last call. */
  ended(): EndedWindow[] {
    const now = this.#now();
    for (const window of this.#windows.values()) if (window.ends <= now) this.#end(window);
    return this.#early.splice(0);
  }

  /** What there was to tell of a window is told: it is not kept any longer. */
  async close({ window }: EndedWindow): Promise<void> {
    const { partition, key } = window;
    window.closed = true;
    // Another may have been opened under the key meanwhile.
    if (!this.#windows.has(key)) await this.#store.putWindow(partition, key, null, CLOSED_KEPT_MS);
  }

  async #storeAll(): Promise<void> {
    this.#storing = true;
    while (this.#next !== null) {
      const [dirty, { resolve, reject }] = [this.#dirty, this.#next];
      [this.#dirty, this.#next] = [new Set(), null];
      try {
        await Promise.all([...dirty].filter((window) => !window.closed).map((window) => this.#put(window)));
        resolve();
      } catch (thrown) {
        for (const window of dirty) this.#dirty.add(window);
        reject(thrown);
      }
      await new Promise((wake) => setTimeout(wake, PAUSE_MS));
    }
    this.#storing = false;
  }

  async #put(window: Window): Promise<void> {
    const left = window.ends - this.#now();
    const { partition, key } = window;
    await this.#store.putWindow(partition, key, encode(window, left), Math.max(0, left) + KEPT_AFTER_MS);
  }

  #open(partition: number, key: string, first: Alert, within: number, sequence: number): Window {
    if (this.#windows.size >= this.#max) {
      const [oldest] = this.#windows.values();
      if (oldest !== undefined) {
        this.#end(oldest);
        this.#options.onEarly?.();
      }
    }
    const ends = this.#now() + within;
    const counted = new Set([sequence]);
    const window: Window = { partition, key, first, last: null, count: 1, ends, counted, closed: false };
    this.#windows.set(key, window);
    this.#dirty.add(window);
    return window;
  }

  #end(window: Window): void {
    const { first, last, count } = window;
    this.#windows.delete(window.key);
    const summary: Alert | null =
      count < 2
        ? null
        : {
            ...(last ?? first),
            id: shortHash(["summary", first.id]),
            first_time: first.first_time,
            count,
            summary: true,
          };
    this.#early.push({ window, summary });
  }
}

function count(window: Window, alert: Alert, sequence: number): void {
  window.count++;
  window.counted.add(sequence);
  if (window.counted.size > SEQUENCES_MAX) {
    const [oldest] = window.counted;
    window.counted.delete(oldest!);
  }
  if (alert.last_time >= (window.last ?? window.first).last_time) window.last = alert;
}

function encode({ first, last, count, counted }: Window, left: number): Uint8Array {
  const sequences = [...counted].slice(-SEQUENCES_STORED);
  return Buffer.from(JSON.stringify({ first, last, count, left: Math.round(left), sequences }));
}

/** `time` is when it was stored, by the server's clock: the engine's may be a little off. */
function decode(partition: number, key: string, data: Uint8Array, time: number): Window {
  const stored = JSON.parse(Buffer.from(data).toString()) as Pick<Window, "first" | "last" | "count"> & {
    left: number;
    sequences: number[];
  };
  const { first, last, count, left, sequences } = stored;
  if (typeof first?.id !== "string" || !Number.isFinite(count) || !Number.isFinite(left))
    throw new Error("it is no window");
  return { partition, key, first, last, count, ends: time + left, counted: new Set(sequences), closed: false };
}
