import type { BusConnection } from "./connection.ts";
import { decodeDesired, encodeDesired, piecesOf } from "./desired-codec.ts";
import { DesiredWatch } from "./desired-watch.ts";
import { getLast, getMany, type StoredMessage } from "./direct.ts";
import { BusError } from "./errors.ts";
import { api, store } from "./jetstream.ts";
import { BUCKETS, CONSUMERS, kvStream, parseDesiredKey, STREAMS } from "./subjects.ts";
import type { DesiredEntry } from "./types/desired.ts";
import { validateDesiredEntry } from "./validate.ts";

const PREFIX = `$KV.${BUCKETS.desired}.`;
const STREAM = kvStream(BUCKETS.desired);
/** How long the marker of a deleted key is kept; a watch that was away for longer sees that the key is missing. */
const MARKER_TTL = "1h";

/** An entry as it stands. `entry` null: it cannot be read, `problem` says why. */
export interface StoredEntry {
  key: string;
  entry: DesiredEntry | null;
  revision: number;
  problem?: string;
}

/** The desired state. Operators may read it; only the controller may write. Keys: `desiredKey(id, node)`. */
export class DesiredStore {
  readonly #bus: BusConnection;

  constructor(bus: BusConnection) {
    this.#bus = bus;
  }

  /** Null when there is none. */
  async get(key: string): Promise<StoredEntry | null> {
    const msg = await getLast(this.#bus, STREAM, PREFIX + key);
    return msg === null || isMarker(msg) ? null : this.#entry(msg);
  }

  /** All entries, oldest first. */
  async list(): Promise<StoredEntry[]> {
    const { messages } = await getMany(this.#bus, STREAM, { multi_last: [`${PREFIX}>`] });
    return Promise.all(messages.filter((msg) => !isMarker(msg)).map((msg) => this.#entry(msg)));
  }

  /**
   * Writes an entry; `revision` is the one that it replaces (0: there must be none), left out: whatever it is. Resolves
   * to the new revision.
   * @throws {BusError} `conflict` when somebody else wrote meanwhile; `invalid`
   */
  async put(key: string, entry: DesiredEntry, options: { revision?: number } = {}): Promise<number> {
    checkKey(key);
    validateDesiredEntry(entry);
    return this.#replace(key, await encodeDesired(this.#bus, key, entry), {}, options.revision);
  }

  /** Removes an entry; one that is not there is fine. @throws {BusError} `conflict` */
  async delete(key: string, options: { revision?: number } = {}): Promise<number> {
    checkKey(key);
    return this.#replace(key, new Uint8Array(0), { "KV-Operation": "DEL", "Nats-TTL": MARKER_TTL }, options.revision);
  }

  /** All entries and every change of them. Only the controller may. */
  watch(): DesiredWatch {
    return new DesiredWatch(this.#bus, [CONSUMERS.controller]);
  }

  async #replace(key: string, data: Uint8Array, headers: Record<string, string>, revision?: number): Promise<number> {
    const subject = PREFIX + key;
    const before = await getLast(this.#bus, STREAM, subject);
    // A marker counts as nothing for whoever expects nothing.
    const last = revision === 0 && before !== null && isMarker(before) ? before.seq : revision;
    const { seq } = await store(this.#bus, subject, data, {
      headers,
      ...(last === undefined ? {} : { lastSeq: last }),
    });
    const old = before === null ? null : piecesOf(key, before.data);
    if (old !== null && old !== piecesOf(key, data))
      await api(this.#bus, `STREAM.PURGE.${STREAMS.large}`, { filter: old });
    return seq;
  }

  async #entry(msg: StoredMessage): Promise<StoredEntry> {
    const key = msg.subject.slice(PREFIX.length);
    try {
      return { key, entry: await decodeDesired(this.#bus, key, msg.data), revision: msg.seq };
    } catch (cause) {
      if (cause instanceof BusError && cause.code === "not_connected") throw cause;
      return { key, entry: null, revision: msg.seq, problem: (cause as Error).message };
    }
  }
}

function isMarker(msg: StoredMessage): boolean {
  return msg.header("KV-Operation") !== "";
}

function checkKey(key: string): void {
  if (parseDesiredKey(key) !== null) return;
  throw new BusError(
    "invalid",
    `${JSON.stringify(key)} is no key; allowed: all.<id> and node.<node>.<id>, parts as tokens`,
  );
}
