import type { Msg } from "nats";
import type { BusConnection } from "./connection.ts";
import { BusError } from "./errors.ts";
import { readAck, storeHeaders } from "./jetstream.ts";
import { busErrorOf } from "./nats-errors.ts";

export interface PublisherOptions {
  /** How many messages may be sent and not yet acknowledged. Default 256. */
  maxInFlight?: number;
  /** How many bytes may wait, sent or not; more is refused with `full`. Default 64 MB. */
  maxBytes?: number;
  /** After how long without an acknowledgement a message is sent again, in ms. Default 5000. */
  ackWait?: number;
  /** Send message ids as they are, not made unguessable with the user's key. Only where no other role can publish. */
  plainIds?: boolean;
}

export interface PublisherCounters {
  published: number;
  /** Sent again, unchanged. */
  resent: number;
  /** The stream had it already: the acknowledgement had been lost, not the message. */
  duplicates: number;
  refused: number;
}

interface Entry {
  subject: string;
  payload: Uint8Array;
  msgId: string;
  headers: Record<string, string> | null;
  /** The id on the wire, chosen when it is first sent and never changed. */
  wireId: string | null;
  /** Null: waiting to be sent. */
  sentAt: number | null;
  tries: number;
  resolve: () => void;
  reject: (error: BusError) => void;
}

const SERVER_BUSY = 500;

/**
 * Publishes to streams and keeps every message until it is acknowledged. A message whose acknowledgement is missing is
 * sent again unchanged, with the same id, so that the stream holds it once. Order is that of the calls, except that a
 * message sent again may come behind others.
 */
export class Publisher {
  readonly counters: PublisherCounters = { published: 0, resent: 0, duplicates: 0, refused: 0 };
  readonly #bus: BusConnection;
  readonly #limits: Required<PublisherOptions>;
  readonly #entries = new Map<number, Entry>();
  readonly #inbox: string;
  readonly #cleanup: (() => void)[];
  /** Numbers of entries that are to be sent, in order. */
  #todo: number[] = [];
  #next = 1;
  #sent = 0;
  #bytes = 0;
  #notBefore = 0;
  #closed = false;

  constructor(bus: BusConnection, options: PublisherOptions = {}) {
    this.#bus = bus;
    this.#limits = { maxInFlight: 256, maxBytes: 64 * 1024 * 1024, ackWait: 5000, plainIds: false, ...options };
    this.#inbox = bus.newInbox();
    const timer = setInterval(() => this.#lookForLate(), Math.min(1000, this.#limits.ackWait / 2));
    this.#cleanup = [
      bus.subscribe(`${this.#inbox}.*`, (msg) => this.#acknowledged(msg)),
      bus.onStatus((status) => {
        if (status.type === "connected") this.#pump();
        if (status.type === "disconnected") this.#resend(() => true);
        if (status.type === "refused" && status.operation === "publish") this.#refused(status.subject);
        if (status.type === "closed") this.close();
      }),
      () => clearInterval(timer),
    ];
  }

  /** Messages sent and not yet acknowledged. */
  get inFlight(): number {
    return this.#sent;
  }

  /** Bytes that wait, sent or not. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** Messages that wait, sent or not. */
  get waiting(): number {
    return this.#entries.size;
  }

  /**
   * Resolves when the stream has it. `msgId` is the sender's own; the same id again within the stream's window is dropped.
   * @throws {BusError} `full` at once, when too much waits; `refused`, `invalid` or `server` when it can never be stored; `closed`
   */
  async publish(
    subject: string,
    payload: Uint8Array,
    msgId: string,
    headers: Record<string, string> | null = null,
  ): Promise<void> {
    if (this.#closed) throw new BusError("closed", "the publisher was closed");
    if (this.#bytes + payload.length > this.#limits.maxBytes) {
      throw new BusError("full", `more than ${this.#limits.maxBytes} bytes wait for the bus`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const number = this.#next++;
    this.#entries.set(number, {
      ...{ subject, payload, msgId, headers, wireId: null, sentAt: null, tries: 0 },
      ...{ resolve, reject },
    });
    this.#bytes += payload.length;
    this.#todo.push(number);
    this.#pump();
    return promise;
  }

  /** Resolves when nothing waits any more, or after `limit` ms; says whether nothing waits. */
  async drain(limit: number): Promise<boolean> {
    const all = Promise.allSettled([...this.#entries.values()].map((entry) => settled(entry)));
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limit);
    await Promise.race([all, promise]);
    clearTimeout(timer);
    return this.#entries.size === 0;
  }

  /** What waits fails with `closed`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const end of this.#cleanup) end();
    for (const number of [...this.#entries.keys()]) {
      this.#take(number)?.reject(new BusError("closed", "the publisher was closed before the bus had the message"));
    }
  }

  #pump(): void {
    if (!this.#bus.connected || this.#closed || Date.now() < this.#notBefore) return;
    let done = 0;
    while (done < this.#todo.length && this.#sent < this.#limits.maxInFlight) {
      const number = this.#todo[done++]!;
      const entry = this.#entries.get(number);
      if (entry !== undefined) this.#send(number, entry);
    }
    this.#todo = this.#todo.slice(done);
  }

  #send(number: number, entry: Entry): void {
    try {
      const nats = this.#bus.nats();
      entry.wireId ??= this.#limits.plainIds ? entry.msgId : this.#bus.messageId(entry.msgId);
      const more = entry.headers === null ? {} : { headers: entry.headers };
      const headers = storeHeaders({ msgId: entry.wireId, ...more });
      nats.publish(entry.subject, entry.payload, { reply: `${this.#inbox}.${number}`, headers });
    } catch (cause) {
      const error = busErrorOf(cause, `publish on ${entry.subject}`);
      if (error.code === "not_connected") this.#todo.push(number);
      else this.#take(number)?.reject(error);
      return;
    }
    if (entry.tries++ > 0) this.counters.resent++;
    entry.sentAt = Date.now();
    this.#sent++;
  }

  #acknowledged(msg: Msg): void {
    const number = Number(msg.subject.slice(this.#inbox.length + 1));
    const entry = this.#entries.get(number);
    if (entry === undefined) return;
    if (msg.data.length === 0 && msg.headers?.code === 503) return this.#later(number, entry);
    try {
      const { duplicate } = readAck(msg.data, entry.subject);
      if (duplicate) this.counters.duplicates++;
      this.counters.published++;
      this.#take(number)?.resolve();
    } catch (cause) {
      const error = busErrorOf(cause, `publish on ${entry.subject}`);
      const code = (error.detail as { code?: number } | undefined)?.code ?? 500;
      // 5xx: the server cannot now (starting, out of space); it may later. Anything else will never do.
      if (code >= 500) return this.#later(number, entry);
      this.counters.refused++;
      this.#take(number)?.reject(error);
    }
    return this.#pump();
  }

  /** JetStream is not there yet, or cannot: all wait a little, this one is sent again. */
  #later(number: number, entry: Entry): void {
    if (entry.sentAt === null) return;
    entry.sentAt = null;
    this.#sent--;
    this.#todo = [...this.#todo, number].sort((a, b) => a - b);
    this.#notBefore = Date.now() + SERVER_BUSY;
    setTimeout(() => this.#pump(), SERVER_BUSY + 1).unref();
  }

  #lookForLate(): void {
    if (!this.#bus.connected) return;
    const before = Date.now() - this.#limits.ackWait;
    this.#resend((entry) => entry.sentAt! < before);
    this.#pump();
  }

  #resend(which: (entry: Entry) => boolean): void {
    const again: number[] = [];
    for (const [number, entry] of this.#entries) {
      if (entry.sentAt === null || !which(entry)) continue;
      entry.sentAt = null;
      this.#sent--;
      again.push(number);
    }
    if (again.length > 0) this.#todo = [...again, ...this.#todo].sort((a, b) => a - b);
  }

  #refused(subject: string): void {
    for (const [number, entry] of this.#entries) {
      if (entry.subject !== subject) continue;
      this.counters.refused++;
      this.#take(number)?.reject(new BusError("refused", `publish on ${subject}: the bus refuses it to this role`));
    }
    this.#pump();
  }

  #take(number: number): Entry | undefined {
    const entry = this.#entries.get(number);
    if (entry === undefined) return undefined;
    this.#entries.delete(number);
    this.#bytes -= entry.payload.length;
    if (entry.sentAt !== null) this.#sent--;
    return entry;
  }
}

/** Resolves when the entry is done with, one way or the other. */
function settled(entry: Entry): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { resolve: accept, reject } = entry;
  entry.resolve = () => {
    accept();
    resolve();
  };
  entry.reject = (error) => {
    reject(error);
    resolve();
  };
  return promise;
}
