import type { EventMessage } from "./message.ts";

/** Sends one message and resolves when the bus has stored it. Rejects when that is not known; the same is tried again. */
export type Publish = (subject: string, payload: Uint8Array, msgId: string) => Promise<void>;

export interface OutboxOptions {
  publish: Publish;
  /** Bytes kept while the bus does not take them. */
  maxBytes: number;
  /** Called for each message given up, with why: `buffer_overflow` (the oldest go first) or `refused`. */
  onLost: (message: EventMessage, reason: string) => void;
  /** Called for each message that the bus has stored. */
  onSent?: (message: EventMessage) => void;
  inFlightMax?: number;
}

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2000;
const IN_FLIGHT_MAX = 128;
/** What trying again cannot mend. */
const HOPELESS = new Set(["invalid", "refused"]);

/** Messages on their way to the bus: bounded in bytes, each sent until it is acknowledged, never changed. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #inFlightMax: number;
  readonly #queue: EventMessage[] = [];
  readonly #flying = new Set<EventMessage>();
  #from = 0;
  #bytes = 0;
  #retryMs = RETRY_FIRST_MS;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#inFlightMax = options.inFlightMax ?? IN_FLIGHT_MAX;
  }

  /** Messages not acknowledged yet. */
  get waiting(): number {
    return this.#queue.length - this.#from + this.#flying.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Kernel time of the oldest event not acknowledged yet. */
  oldest(): bigint | undefined {
    let oldest = this.#queue[this.#from]?.from;
    for (const message of this.#flying) if (oldest === undefined || message.from < oldest) oldest = message.from;
    return oldest;
  }

  push(message: EventMessage): void {
    this.#queue.push(message);
    this.#bytes += message.payload.byteLength;
    while (this.#bytes > this.#options.maxBytes && this.#queue.length > this.#from) {
      const oldest = this.#queue[this.#from++]!;
      this.#bytes -= oldest.payload.byteLength;
      this.#options.onLost(oldest, "buffer_overflow");
    }
    this.#pump();
  }

  /** Resolves when nothing waits any more, or after `ms`. */
  async drained(ms: number): Promise<void> {
    if (this.waiting === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#idle.push(resolve);
    await promise;
    clearTimeout(timer);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  #pump(): void {
    if (this.#closed || this.#retry !== undefined) return;
    while (this.#flying.size < this.#inFlightMax && this.#from < this.#queue.length) {
      const message = this.#queue[this.#from++]!;
      this.#flying.add(message);
      this.#options.publish(message.subject, message.payload, message.id).then(
        () => this.#sent(message),
        (error: unknown) => this.#failed(message, error),
      );
    }
    if (this.#from > 256) {
      this.#queue.splice(0, this.#from);
      this.#from = 0;
    }
  }

  #sent(message: EventMessage): void {
    this.#flying.delete(message);
    this.#bytes -= message.payload.byteLength;
    this.#retryMs = RETRY_FIRST_MS;
    this.#options.onSent?.(message);
    this.#pump();
    if (this.waiting > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #failed(message: EventMessage, error: unknown): void {
    this.#flying.delete(message);
    if (HOPELESS.has((error as { code?: string } | null)?.code ?? "")) {
      this.#bytes -= message.payload.byteLength;
      this.#options.onLost(message, "refused");
      this.#pump();
      return;
    }
    // back to its place, before what was queued after it
    if (this.#from > 0) this.#queue[--this.#from] = message;
    else this.#queue.unshift(message);
    if (this.#closed || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
      this.#pump();
    }, this.#retryMs);
  }
}
