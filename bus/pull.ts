import type { Msg } from "nats";
import type { BusConnection } from "./connection.ts";

export interface PullOptions {
  stream: string;
  consumer: string;
  /** How many messages may be asked for and not yet released. At most 1000: a server hands out larger batches slowly. */
  most: number;
  /**
   * Whether it will be left for others: then each request is short, since one that is still open when its inbox goes may be
   * given a message that nobody hears of until its time limit is over.
   */
  brief?: boolean;
  onMessage(msg: Msg): void;
  /** The server is there and has nothing more for now (a heartbeat, or a request that ran out). */
  onIdle?(): void;
  /** The consumer or its stream is not there; asked again after a while. */
  onMissing?(): void;
}

const EXPIRES = 30_000;
const HEARTBEAT = 5000;
const EXPIRES_BRIEF = 1000;
/** A brief request has no heartbeats; its end is missed after so long. */
const END_LIMIT = 3000;
const MISSING_WAIT = 1000;
const NS = 1_000_000;

interface Request {
  left: number;
  live: () => void;
  timer: NodeJS.Timeout;
}

/**
 * Keeps asking a durable consumer for messages, with as much outstanding as has been released. Every request has an
 * inbox of its own: across accounts the server keeps state for each until its inbox is gone.
 */
export class Pull {
  readonly #bus: BusConnection;
  readonly #options: PullOptions;
  readonly #requests = new Set<Request>();
  readonly #off: () => void;
  readonly #released = Promise.withResolvers<void>();
  #held = 0;
  #stopped = false;
  #retry: NodeJS.Timeout | null = null;

  constructor(bus: BusConnection, options: PullOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#off = bus.onStatus((status) => {
      if (status.type === "connected") this.#ask();
      if (status.type === "disconnected") this.#dropAll();
      if (status.type === "closed") this.stop();
    });
    this.#ask();
  }

  /** A message that was handed to `onMessage` is done with: another may come. */
  release(count = 1): void {
    this.#held -= count;
    this.#settle();
    this.#ask();
  }

  stop(): void {
    this.#end();
    this.#dropAll();
  }

  /**
   * Asks for no more; what has been asked for still comes, until the requests end by themselves. Resolves when they have and
   * all that was handed out is released.
   */
  async drain(): Promise<void> {
    this.#stopped = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    if (!this.#bus.connected) this.#dropAll();
    this.#settle();
    await this.#released.promise;
    this.#end();
  }

  #end(): void {
    this.#stopped = true;
    this.#off();
    if (this.#retry !== null) clearTimeout(this.#retry);
  }

  #settle(): void {
    if (this.#stopped && this.#held === 0 && this.#requests.size === 0) this.#released.resolve();
  }

  #ask(): void {
    if (this.#stopped || this.#retry !== null || !this.#bus.connected) return;
    let outstanding = 0;
    for (const request of this.#requests) outstanding += request.left;
    const { most, stream, consumer, brief } = this.#options;
    const batch = most - this.#held - outstanding;
    // Half at a time: the server is busy with one request while the next is on its way.
    if (batch < Math.max(1, most / 2)) return;
    const inbox = this.#bus.newInbox();
    const request: Request = {
      left: batch,
      live: this.#bus.subscribe(inbox, (msg) => this.#take(request, msg)),
      // Nothing at all, not even heartbeats: the request was lost.
      timer: setTimeout(() => this.#again(request), brief ? END_LIMIT : HEARTBEAT * 2.5),
    };
    this.#requests.add(request);
    const body = brief
      ? { batch, expires: EXPIRES_BRIEF * NS }
      : { batch, expires: EXPIRES * NS, idle_heartbeat: HEARTBEAT * NS };
    try {
      this.#bus.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(body), { reply: inbox });
    } catch {
      this.#drop(request);
    }
  }

  #take(request: Request, msg: Msg): void {
    const code = msg.data.length === 0 ? (msg.headers?.code ?? 0) : 0;
    if (!this.#requests.has(request)) {
      // It was on its way when its request was given up: somebody shall have it at once, not when its time limit is over.
      if (code === 0 && this.#bus.connected && msg.reply) this.#bus.publish(msg.reply, "-NAK");
      return;
    }
    request.timer.refresh();
    if (code === 100) {
      this.#options.onIdle?.();
    } else if (code === 0) {
      request.left--;
      this.#held++;
      if (request.left === 0) this.#drop(request);
      this.#options.onMessage(msg);
      this.#ask();
    } else if (code === 408 || code === 404) {
      this.#again(request);
      this.#options.onIdle?.();
    } else {
      this.#missing(request, code === 503 || (code === 409 && /deleted/i.test(msg.headers?.description ?? "")));
    }
  }

  #missing(request: Request, gone: boolean): void {
    this.#drop(request);
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.#ask();
    }, MISSING_WAIT);
    if (gone) this.#options.onMissing?.();
  }

  #again(request: Request): void {
    this.#drop(request);
    this.#ask();
  }

  #drop(request: Request): void {
    clearTimeout(request.timer);
    request.live();
    this.#requests.delete(request);
    this.#settle();
  }

  #dropAll(): void {
    for (const request of this.#requests) this.#drop(request);
  }
}
