import { setTimeout as delay } from "node:timers/promises";
import type { BusConnection } from "./connection.ts";
import { getMany, getOne, type StoredMessage } from "./direct.ts";
import { BusError } from "./errors.ts";

export interface TailOptions {
  /** Filter; may have wildcards. */
  subject: string;
  /** From when on; null: everything that is kept, or, with `follow`, only what is new. */
  since: Date | null;
  /** Go on when the end is reached, for ever, also over reconnects. */
  follow: boolean;
  signal?: AbortSignal;
}

const BATCH = 256;
const MAX_BYTES = 8 * 1024 * 1024;
/** How often the end is looked at while following, in ms. */
const POLL = 50;

/** Messages of a stream in order, read without a consumer. Ends at the end, or at `signal` when it follows. */
export async function* tail(bus: BusConnection, stream: string, options: TailOptions): AsyncGenerator<StoredMessage> {
  const { subject, since, follow, signal } = options;
  const ended = (): boolean => signal?.aborted === true;
  let from: { seq: number } | { start_time: string } =
    since === null
      ? { seq: follow ? (await lastSequence(bus, stream, subject)) + 1 : 1 }
      : { start_time: since.toISOString() };
  while (!ended()) {
    let got: Awaited<ReturnType<typeof getMany>>;
    try {
      got = await getMany(bus, stream, { ...from, next_by_subj: subject, batch: BATCH, max_bytes: MAX_BYTES });
    } catch (cause) {
      if (!follow || !(cause instanceof BusError) || !PASSING.has(cause.code)) throw cause;
      await pause(POLL * 10, signal);
      continue;
    }
    for (const message of got.messages) {
      yield message;
      if (ended()) return;
    }
    const last = got.messages.at(-1);
    if (last !== undefined) from = { seq: last.seq + 1 };
    if (got.more && last !== undefined) continue;
    if (!follow) return;
    await pause(POLL, signal);
  }
}

const PASSING = new Set(["not_connected", "timeout", "no_responder"]);

async function lastSequence(bus: BusConnection, stream: string, subject: string): Promise<number> {
  return (await getOne(bus, stream, { last_by_subj: subject }))?.seq ?? 0;
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
