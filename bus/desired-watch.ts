import type { BusConnection } from "./connection.ts";
import { decodeDesired } from "./desired-codec.ts";
import { KvWatch } from "./kv-watch.ts";
import { AsyncQueue } from "./queue.ts";
import { BUCKETS, kvStream } from "./subjects.ts";
import type { DesiredEntry } from "./types/desired.ts";

/**
 * What became of an entry of the desired state. `entry` null: it is gone, or, with a `problem`, it cannot be read and
 * what was in force under that key must not be any more.
 */
export interface DesiredChange {
  type: "change";
  key: string;
  entry: DesiredEntry | null;
  revision: number;
  problem?: string;
}

/** All entries have been told. `revision` is the highest sequence told so far. */
export interface DesiredSynced {
  type: "synced";
  revision: number;
}

export type DesiredUpdate = DesiredChange | DesiredSynced;

/** Watches one or more parts of the desired state; `synced` comes when all parts are in step, and after each reconnect. */
export class DesiredWatch implements AsyncIterable<DesiredUpdate> {
  readonly #queue: AsyncQueue<DesiredUpdate>;
  readonly #watches: KvWatch[];
  readonly #rounds: number[];
  #revision = 0;
  #told = 0;

  constructor(bus: BusConnection, consumers: string[]) {
    this.#queue = new AsyncQueue({ onEnd: () => this.close() });
    const bucket = BUCKETS.desired;
    this.#watches = consumers.map((consumer) => new KvWatch(bus, { bucket, stream: kvStream(bucket), consumer }));
    this.#rounds = consumers.map(() => 0);
    this.#watches.forEach((watch, index) => void this.#follow(bus, watch, index));
  }

  [Symbol.asyncIterator](): AsyncIterator<DesiredUpdate> {
    return this.#queue[Symbol.asyncIterator]();
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
    this.#queue.close();
  }

  async #follow(bus: BusConnection, watch: KvWatch, index: number): Promise<void> {
    for await (const update of watch.updates) {
      if (update.type === "synced") {
        this.#rounds[index] = update.round;
        const all = Math.min(...this.#rounds);
        if (all > this.#told) this.#queue.push({ type: "synced", revision: this.#revision });
        this.#told = all;
        continue;
      }
      const { key, data, revision } = update;
      const change: DesiredChange = { type: "change", key, entry: null, revision };
      if (data !== null) {
        try {
          change.entry = await decodeDesired(bus, key, data);
        } catch (cause) {
          change.problem = (cause as Error).message;
        }
      }
      this.#revision = Math.max(this.#revision, revision);
      this.#queue.push(change);
    }
    this.#queue.close();
  }
}
