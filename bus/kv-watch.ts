import type { BusConnection } from "./connection.ts";
import { api, deliveryOf } from "./jetstream.ts";
import { Pull } from "./pull.ts";
import { AsyncQueue } from "./queue.ts";

/** What became of a key. `data` null: it is gone. `revision` is the stream's sequence, `time` ms since the epoch. */
export interface KvChange {
  type: "change";
  key: string;
  data: Uint8Array | null;
  revision: number;
  time: number;
}

/** Everything there was when the watch began, or began again after the bus was away, has been told. */
export interface KvSynced {
  type: "synced";
  /** How often it was in step; 1 for the first time. */
  round: number;
}

export type KvUpdate = KvChange | KvSynced;

export interface KvWatchOptions {
  bucket: string;
  stream: string;
  /** A durable consumer without acknowledgements, of history 1, that this user may reset. */
  consumer: string;
}

const RETRY = 500;
/** A server does not answer at all for a consumer that is not there yet. */
const RESET_TIMEOUT = 2000;
const MOST = 500;

/**
 * Tells the state of a bucket and every change. After each reconnect, or anything missed, all of it is read again;
 * what has gone meanwhile is told as gone. A revision is told once.
 */
export class KvWatch {
  readonly updates: AsyncQueue<KvUpdate>;
  readonly #bus: BusConnection;
  readonly #options: KvWatchOptions;
  readonly #known = new Map<string, number>();
  readonly #off: () => void;
  #pull: Pull | null = null;
  #retry: NodeJS.Timeout | null = null;
  #attempt = 0;
  #rounds = 0;

  constructor(bus: BusConnection, options: KvWatchOptions) {
    this.#bus = bus;
    this.#options = options;
    this.updates = new AsyncQueue({ onEnd: () => this.#stop() });
    this.#off = bus.onStatus((status) => {
      if (status.type === "connected") this.#again(0);
      if (status.type === "closed") this.updates.close();
    });
    this.#again(0);
  }

  close(): void {
    this.updates.close();
  }

  #again(wait: number): void {
    if (this.updates.ended) return;
    const attempt = ++this.#attempt;
    this.#pull?.stop();
    this.#pull = null;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#sync(attempt), wait);
  }

  async #sync(attempt: number): Promise<void> {
    if (!this.#bus.connected) return;
    const { stream, consumer } = this.#options;
    let pending: number;
    try {
      const info = await api<{ num_pending: number }>(
        this.#bus,
        `CONSUMER.RESET.${stream}.${consumer}`,
        { seq: 1 },
        RESET_TIMEOUT,
      );
      pending = info.num_pending;
    } catch {
      if (attempt === this.#attempt) this.#again(RETRY);
      return;
    }
    if (attempt !== this.#attempt || this.updates.ended) return;
    this.#read(attempt, pending);
  }

  #read(attempt: number, pending: number): void {
    const seen = new Set<string>();
    let next = 1;
    let synced = false;
    const done = (): void => {
      if (synced || attempt !== this.#attempt) return;
      synced = true;
      this.#forgetUnseen(seen);
      this.updates.push({ type: "synced", round: ++this.#rounds });
    };
    const prefix = `$KV.${this.#options.bucket}.`;
    const pull = new Pull(this.#bus, {
      stream: this.#options.stream,
      consumer: this.#options.consumer,
      most: MOST,
      onMessage: (msg) => {
        if (attempt !== this.#attempt) return;
        const delivery = deliveryOf(msg);
        if (delivery === null || delivery.consumerSeq !== next++) return this.#again(0);
        const key = msg.subject.slice(prefix.length);
        seen.add(key);
        const operation = msg.headers?.get("KV-Operation") ?? "";
        const gone = operation !== "" || (msg.headers?.get("Nats-Marker-Reason") ?? "") !== "";
        this.#told(key, gone ? null : msg.data, delivery.streamSeq, delivery.time, synced);
        pull.release();
        if (delivery.pending === 0) done();
      },
      onIdle: done,
      onMissing: () => this.#again(RETRY),
    });
    this.#pull = pull;
    if (pending === 0) done();
  }

  #told(key: string, data: Uint8Array | null, revision: number, time: number, live: boolean): void {
    const before = this.#known.get(key);
    // A deletion that happens now is told even when there was nothing; one that is history is not.
    if (before === revision || (before === undefined && data === null && !live)) return;
    if (data === null) this.#known.delete(key);
    else this.#known.set(key, revision);
    this.updates.push({ type: "change", key, data, revision, time });
  }

  #forgetUnseen(seen: Set<string>): void {
    for (const key of this.#known.keys()) {
      if (seen.has(key)) continue;
      const revision = this.#known.get(key)!;
      this.#known.delete(key);
      this.updates.push({ type: "change", key, data: null, revision, time: Date.now() });
    }
  }

  #stop(): void {
    this.#attempt++;
    this.#off();
    this.#pull?.stop();
    if (this.#retry !== null) clearTimeout(this.#retry);
  }
}
