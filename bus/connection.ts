import { setTimeout as delay } from "node:timers/promises";
import { connect as natsConnect, createInbox, nkeyAuthenticator, NatsError } from "nats";
import type { ConnectionOptions, Msg, MsgHdrs, NatsConnection, Subscription } from "nats";
import type { Config } from "./config/settings.ts";
import { busUrl, userCredentials, userOf, wireMessageId } from "./credentials.ts";
import { BusError } from "./errors.ts";
import { busErrorOf } from "./nats-errors.ts";
import { inboxPrefix, userName, type BusUser, type Role } from "./roles.ts";
import type { BusStatus, StatusListener } from "./status.ts";

export interface ConnectOptions {
  /** Agents: the node (default: `node` of the configuration). Deciders: the name of the credentials. */
  name?: string;
  /** Wait for the connection at most so long, in ms, then throw. 0: do not wait, connect in the background for ever. Default 5000. */
  wait?: number;
  onStatus?: StatusListener;
}

/** How long a request may take by default, in ms. */
export const REQUEST_TIMEOUT = 5000;

const DRAIN_LIMIT = 1000;
const BACKOFF = { first: 100, most: 2000 };

/**
 * Connects a role. The connection comes back by itself for ever, also when bus.json names another address by then.
 * @throws {BusError} `credentials`, `refused` or `not_connected` when it does not come about within `wait`
 */
export async function connect(role: Role, config: Config, options: ConnectOptions = {}): Promise<BusConnection> {
  const user = userOf(role, options.name ?? null, config);
  const connection = new BusConnection(user, config, options.onStatus);
  const wait = options.wait ?? 5000;
  if (wait > 0) {
    try {
      await connection.ready(wait);
    } catch (cause) {
      await connection.close();
      throw cause;
    }
  }
  return connection;
}

interface Watched {
  subject: string;
  queue: string | undefined;
  callback: (msg: Msg) => void;
  live: Subscription | null;
}

/** One connection of one role; the clients of the roles (`clients/`) stand on it. */
export class BusConnection {
  readonly user: BusUser;
  readonly #config: Config;
  readonly #listeners = new Set<StatusListener>();
  readonly #watched = new Set<Watched>();
  readonly #stop = new AbortController();
  #nc: NatsConnection | null = null;
  #up = false;
  #lastError: BusError | null = null;
  #seed = "";
  #seen = false;
  #downSince = 0;
  readonly #loop: Promise<void>;

  /** Use `connect`. */
  constructor(user: BusUser, config: Config, listener?: StatusListener) {
    this.user = user;
    this.#config = config;
    if (listener !== undefined) this.#listeners.add(listener);
    this.#loop = this.#keepConnected();
  }

  get connected(): boolean {
    return this.#up;
  }

  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Tells every change of the connection; returns how to stop. */
  onStatus(listener: StatusListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when connected. @throws {BusError} what stood in the way, after `limit` ms; `closed` */
  async ready(limit = Infinity): Promise<void> {
    if (this.#up) return;
    if (this.closed) throw new BusError("closed", "the connection was closed");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const off = this.onStatus((status) => {
      if (status.type === "connected") resolve();
      if (status.type === "closed") reject(new BusError("closed", "the connection was closed"));
    });
    const fail = (): void => reject(this.#lastError ?? new BusError("not_connected", `no bus within ${limit} ms`));
    const timer = Number.isFinite(limit) ? setTimeout(fail, limit) : undefined;
    try {
      await promise;
    } finally {
      off();
      clearTimeout(timer);
    }
  }

  /** One request, one reply. @throws {BusError} `not_connected`, `timeout`, `no_responder`, `refused`, `invalid` */
  async request(
    subject: string,
    data: Uint8Array | string,
    options: { headers?: MsgHdrs; timeout?: number } = {},
  ): Promise<Msg> {
    const timeout = options.timeout ?? REQUEST_TIMEOUT;
    const headers = options.headers === undefined ? {} : { headers: options.headers };
    try {
      return await this.nats().request(subject, data, { timeout, ...headers });
    } catch (cause) {
      throw busErrorOf(cause, `request on ${subject}`);
    }
  }

  /** Sends without waiting for anything. @throws {BusError} */
  publish(subject: string, data: Uint8Array | string, options: { reply?: string; headers?: MsgHdrs } = {}): void {
    try {
      this.nats().publish(subject, data, options);
    } catch (cause) {
      throw busErrorOf(cause, `publish on ${subject}`);
    }
  }

  /** A subscription that lasts over reconnects. Returns how to end it. */
  subscribe(subject: string, callback: (msg: Msg) => void, queue?: string): () => void {
    const watched = this.#watch(subject, callback, queue);
    return () => {
      this.#watched.delete(watched);
      watched.live?.unsubscribe();
    };
  }

  /** A fresh subject for replies. */
  newInbox(): string {
    return createInbox(inboxPrefix(this.user));
  }

  /** The message id as it goes on the wire; see `wireMessageId`. */
  messageId(id: string): string {
    return wireMessageId(this.#seed, id);
  }

  /** The connection underneath. @throws {BusError} `not_connected`, `closed` */
  nats(): NatsConnection {
    if (this.closed) throw new BusError("closed", "the connection was closed");
    if (this.#nc === null || !this.#up)
      throw this.#lastError ?? new BusError("not_connected", "the bus is not connected");
    return this.#nc;
  }

  /** Sends what is waiting and has the server confirm it. */
  async flush(): Promise<void> {
    await this.nats().flush();
  }

  /** Ends the connection; what was published before is sent if the server is there. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.#stop.abort();
    const [nc, wasUp] = [this.#nc, this.#up];
    this.#up = false;
    this.#tell({ type: "closed" });
    if (nc !== null) {
      // A drain never ends when the server goes meanwhile.
      const limit = delay(DRAIN_LIMIT, undefined, { ref: false });
      if (wasUp) await Promise.race([nc.drain().catch(() => undefined), limit]);
      await nc.close();
    }
    await this.#loop;
    this.#listeners.clear();
  }

  async #keepConnected(): Promise<void> {
    for (let attempt = 0; !this.closed; attempt++) {
      try {
        const nc = await natsConnect(this.#options());
        attempt = 0;
        this.#nc = nc;
        await this.#follow(nc);
      } catch (cause) {
        this.#lastError = busErrorOf(cause, "connecting to the bus");
        this.#tell({ type: "retrying", reason: this.#lastError.message });
      }
      this.#nc = null;
      if (this.closed) return;
      await delay(backoff(attempt), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  #options(): ConnectionOptions {
    const servers = busUrl(this.#config);
    const credentials = userCredentials(this.#config, this.user);
    this.#seed = credentials?.seed ?? "";
    return {
      servers,
      name: userName(this.user),
      inboxPrefix: inboxPrefix(this.user),
      ...(credentials === null ? {} : { authenticator: nkeyAuthenticator(Buffer.from(credentials.seed)) }),
      ignoreAuthErrorAbort: true,
      ignoreClusterUpdates: true,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => reconnectDelay(this.#up ? 0 : Date.now() - this.#downSince),
      timeout: REQUEST_TIMEOUT,
      pingInterval: 10_000,
      maxPingOut: 2,
    };
  }

  /** Tells what the connection says of itself until it has ended. */
  async #follow(nc: NatsConnection): Promise<void> {
    if (this.closed) return nc.close();
    const url = nc.getServer();
    for (const watched of this.#watched) this.#listen(watched, nc);
    this.#connected(url);
    const statuses = nc.status() as ReturnType<NatsConnection["status"]> & { stop(): void };
    // The client does not end them when it closes.
    void nc.closed().then(() => statuses.stop());
    for await (const status of statuses) {
      const type: string = status.type;
      if (type === "reconnect") this.#connected(nc.getServer());
      else if (type === "disconnect") this.#disconnected();
      else if (type === "reconnecting" && this.#moved(url)) await nc.close();
      else if (type === "error") this.#tell(errorStatus(status));
    }
    this.#disconnected();
    return undefined;
  }

  #connected(url: string): void {
    const again = this.#seen;
    [this.#up, this.#seen, this.#lastError] = [true, true, null];
    this.#tell({ type: "connected", url, again });
  }

  #disconnected(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#downSince = Date.now();
    this.#lastError = new BusError("not_connected", "the bus is not connected");
    this.#tell({ type: "disconnected" });
  }

  /** Whether bus.json, or the credentials, say something else than what this connection was made with. */
  #moved(url: string): boolean {
    try {
      const seed = userCredentials(this.#config, this.user)?.seed ?? "";
      return new URL(busUrl(this.#config)).host !== url || seed !== this.#seed;
    } catch {
      return false;
    }
  }

  #watch(subject: string, callback: (msg: Msg) => void, queue: string | undefined): Watched {
    const watched: Watched = { subject, queue, callback, live: null };
    this.#watched.add(watched);
    if (this.#nc !== null && !this.closed) this.#listen(watched, this.#nc);
    return watched;
  }

  #listen(watched: Watched, nc: NatsConnection): void {
    const queue = watched.queue === undefined ? {} : { queue: watched.queue };
    watched.live = nc.subscribe(watched.subject, {
      ...queue,
      callback: (error, msg) => {
        if (error === null) watched.callback(msg);
      },
    });
  }

  #tell(status: BusStatus): void {
    for (const listener of this.#listeners) listener(status);
  }
}

/** Milliseconds to wait before attempt n, with a quarter of chance in it, so that a fleet does not come back as one. */
function backoff(attempt: number): number {
  const base = Math.min(BACKOFF.first * 2 ** attempt, BACKOFF.most);
  return base * (0.75 + Math.random() / 2);
}

/**
 * The same for a connection that was lost `elapsed` ms ago. The library asks several times for one delay, so it must not
 * count its calls.
 */
function reconnectDelay(elapsed: number): number {
  return Math.min(Math.max(BACKOFF.first, elapsed / 4), BACKOFF.most) * (0.9 + Math.random() / 5);
}

function errorStatus(status: { data: unknown }): BusStatus {
  const context = (status as { permissionContext?: { operation: string; subject: string } }).permissionContext;
  if (context !== undefined) return { type: "refused", ...context };
  const reason = status.data instanceof NatsError ? status.data.message : String(status.data);
  return { type: "error", reason };
}
