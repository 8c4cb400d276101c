import type { Msg } from "nats";
import type { BusConnection } from "./connection.ts";
import { BusError } from "./errors.ts";

/** A message as a stream keeps it. `time` is ms since the epoch. */
export interface StoredMessage {
  subject: string;
  seq: number;
  time: number;
  data: Uint8Array;
  header(name: string): string;
}

/** What to get: messages from `seq` or `start_time` (RFC 3339) on that match `next_by_subj`, or the last of each subject. */
export type DirectQuery =
  | { seq?: number; start_time?: string; next_by_subj: string; batch: number; max_bytes?: number }
  | { multi_last: string[]; batch?: number };

const QUIET_LIMIT = 5000;

/** The last message of one subject, or null. @throws {BusError} */
export async function getLast(bus: BusConnection, stream: string, subject: string): Promise<StoredMessage | null> {
  return single(await bus.request(`$JS.API.DIRECT.GET.${stream}.${subject}`, ""), subject);
}

/** One message of a stream: the last, or the first from a sequence on, that matches; null when there is none. */
export async function getOne(
  bus: BusConnection,
  stream: string,
  query: { last_by_subj: string } | { seq: number; next_by_subj: string },
): Promise<StoredMessage | null> {
  return single(await bus.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query)), stream);
}

function single(msg: Msg, subject: string): StoredMessage | null {
  const code = msg.headers?.code ?? 0;
  if (code === 404) return null;
  if (code >= 400) throw new BusError("server", `reading ${subject}: ${msg.headers?.description ?? code}`);
  return storedMessage(msg);
}

/**
 * Reads stored messages without a consumer. `more` says that there are others behind the last one.
 * @throws {BusError} `timeout` when they stop coming, `not_connected`, `no_responder`, `refused`
 */
export async function getMany(
  bus: BusConnection,
  stream: string,
  query: DirectQuery,
): Promise<{ messages: StoredMessage[]; more: boolean }> {
  const messages: StoredMessage[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<{ messages: StoredMessage[]; more: boolean }>();
  const subject = `$JS.API.DIRECT.GET.${stream}`;
  const timer = setTimeout(() => reject(new BusError("timeout", `reading ${stream}: no answer in time`)), QUIET_LIMIT);
  const off = bus.onStatus((status) => {
    if (status.type === "refused" && status.subject === subject) {
      reject(new BusError("refused", `reading ${stream}: the bus refuses it to this role`));
    }
    if (status.type === "disconnected" || status.type === "closed") {
      reject(new BusError("not_connected", `reading ${stream}: the bus is not connected`));
    }
  });
  const inbox = bus.newInbox();
  const stop = bus.subscribe(inbox, (msg) => {
    timer.refresh();
    const code = msg.data.length === 0 ? (msg.headers?.code ?? 0) : 0;
    if (code === 204) resolve({ messages, more: Number(msg.headers?.get("Nats-Num-Pending") ?? 0) > 0 });
    else if (code === 404) resolve({ messages, more: false });
    else if (code === 503) reject(new BusError("no_responder", `reading ${stream}: there is no such stream`));
    else if (code >= 400) reject(new BusError("server", `reading ${stream}: ${msg.headers?.description ?? code}`));
    else messages.push(storedMessage(msg));
  });
  try {
    bus.publish(subject, JSON.stringify(query), { reply: inbox });
    return await promise;
  } finally {
    clearTimeout(timer);
    off();
    stop();
  }
}

function storedMessage(msg: Msg): StoredMessage {
  const header = (name: string): string => msg.headers?.get(name) ?? "";
  return {
    subject: header("Nats-Subject"),
    seq: Number(header("Nats-Sequence")),
    time: Date.parse(header("Nats-Time-Stamp")),
    data: msg.data,
    header,
  };
}
