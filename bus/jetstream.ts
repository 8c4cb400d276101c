import { headers } from "nats";
import type { Msg, MsgHdrs } from "nats";
import { REQUEST_TIMEOUT, type BusConnection } from "./connection.ts";
import { apiErrorOf, type ApiError } from "./nats-errors.ts";

/** Where JetStream put a message. */
export interface StoredAt {
  seq: number;
  /** The stream had a message of that id already. */
  duplicate: boolean;
}

export interface StoreOptions {
  /** Message id as it goes on the wire; see `BusConnection.messageId`. */
  msgId?: string;
  /** Store only when this is the last sequence of the subject; 0: when it has none. */
  lastSeq?: number;
  headers?: Record<string, string>;
  timeout?: number;
}

/** Publishes and waits until a stream has stored it. @throws {BusError} `conflict`, `no_responder`, `server`, ... */
export async function store(
  bus: BusConnection,
  subject: string,
  data: Uint8Array | string,
  options: StoreOptions = {},
): Promise<StoredAt> {
  const timeout = options.timeout === undefined ? {} : { timeout: options.timeout };
  const reply = await bus.request(subject, data, { headers: storeHeaders(options), ...timeout });
  return readAck(reply.data, subject);
}

export function storeHeaders(options: StoreOptions): MsgHdrs {
  const set = headers();
  if (options.msgId !== undefined) set.set("Nats-Msg-Id", options.msgId);
  if (options.lastSeq !== undefined) set.set("Nats-Expected-Last-Subject-Sequence", String(options.lastSeq));
  for (const [name, value] of Object.entries(options.headers ?? {})) set.set(name, value);
  return set;
}

/** The acknowledgement of a publish. @throws {BusError} */
export function readAck(data: Uint8Array, subject: string): StoredAt {
  const ack = apiReply(data, `publish on ${subject}`) as { seq: number; duplicate?: boolean };
  return { seq: ack.seq, duplicate: ack.duplicate === true };
}

/** Asks JetStream's API. @throws {BusError} with the API's error as `detail` */
export async function api<T>(
  bus: BusConnection,
  call: string,
  body: object | null = null,
  timeout = REQUEST_TIMEOUT,
): Promise<T> {
  const reply = await bus.request(`$JS.API.${call}`, body === null ? "" : JSON.stringify(body), { timeout });
  return apiReply(reply.data, call) as T;
}

function apiReply(data: Uint8Array, what: string): unknown {
  const reply = JSON.parse(Buffer.from(data).toString()) as { error?: ApiError };
  if (reply.error !== undefined) throw apiErrorOf(reply.error, what);
  return reply;
}

/** What the reply subject of a delivered message says: `$JS.ACK.<stream>.<consumer>.<delivered>.<sseq>.<cseq>.<ns>.<pending>`. */
export interface Delivery {
  deliveries: number;
  streamSeq: number;
  consumerSeq: number;
  /** When the stream stored it, ms since the epoch. */
  time: number;
  /** Messages of the consumer that are behind this one. */
  pending: number;
}

/** Null for a message that no consumer delivered. */
export function deliveryOf(msg: Msg): Delivery | null {
  return deliveryOfReply(msg.reply ?? "");
}

/** The same, of a message's reply subject. */
export function deliveryOfReply(reply: string): Delivery | null {
  const tokens = reply.split(".");
  // Newer servers put domain and account in front of the stream, and a token behind.
  const at = tokens.length >= 11 ? 6 : tokens.length === 9 ? 4 : -1;
  if (at < 0 || tokens[0] !== "$JS" || tokens[1] !== "ACK") return null;
  const number = (i: number): number => Number(tokens[at + i]);
  return {
    deliveries: number(0),
    streamSeq: number(1),
    consumerSeq: number(2),
    time: Number(tokens[at + 3]!.slice(0, -6)),
    pending: number(4),
  };
}
