import { randomUUID } from "node:crypto";
import type { BusConnection } from "../connection.ts";
import { consume, type StreamMessage } from "../consumer.ts";
import type { InHand } from "../in-hand.ts";
import { getMany } from "../direct.ts";
import { store } from "../jetstream.ts";
import { Publisher, type PublisherOptions } from "../publisher.ts";
import { AsyncQueue } from "../queue.ts";
import { RuleSets, type LoadedRuleSet } from "../rule-sets.ts";
import {
  BUCKETS,
  CONSUMERS,
  decisionSubject,
  demandKey,
  engineStatusKey,
  findingSubject,
  kvStream,
  parseEventSubject,
  STREAMS,
} from "../subjects.ts";
import { decodeToken, encodeToken } from "../tokens.ts";
import type { Alert } from "../types/alert.ts";
import type { Decision } from "../types/decision.ts";
import type { Demand } from "../types/demand.ts";

/** How long an engine that is gone still stands in the status: containers of a scaled service have a new name each time. */
const STATUS_TTL = "10m";
/** How long an event that is done with may wait to be acknowledged, in ms: far less than the server waits for it. */
const ACK_DELAY = 15;

/** Events of one node and kind: `data` is NDJSON, one or more events. `node` and `kind` are the subject's: believe them, not the payload. */
export interface EventMessage extends StreamMessage {
  partition: number;
  kind: string;
  node: string;
}

export interface ConsumeEventsOptions {
  /** Partitions to read, 0 to 31. */
  partitions: number[];
  /** Unfinished messages per partition; default 64, at most 1000. */
  most?: number;
  /** Where what is unfinished is written down, for whoever watches this thread. */
  inHand?: InHand;
}

/** Events of partitions that may become others while it runs. Break out of the loop over `queue`, or `close()` it, to stop. */
export interface EventFeed {
  queue: AsyncQueue<EventMessage>;
  /** Resolves when nothing of those that are left out is unfinished any more. */
  setPartitions(partitions: readonly number[]): Promise<void>;
}

/** A window as it is stored; null when it was closed. `time` is when, by the server, ms since the epoch. */
export interface StoredWindow {
  key: string;
  data: Uint8Array;
  time: number;
}

/** An engine that is there. `time` is the server's, ms since the epoch, so that no host's clock is asked. */
export interface EngineMember {
  /** Unique, other than the engine's name. */
  id: string;
  time: number;
  partitions: number[];
  /** Those that it reads now, or is about to; others wait until it has left them. */
  holds: number[];
}

/** What a rules engine does on the bus. */
export class EngineBus {
  readonly bus: BusConnection;
  readonly ruleSets: RuleSets;
  /** Messages on subjects that no agent publishes on; they are refused and counted. */
  malformed = 0;
  readonly #findings: Publisher;
  readonly #decisions: Publisher;
  readonly #windows: Publisher;
  readonly #writer = randomUUID();
  #writes = 0;

  constructor(bus: BusConnection, options: PublisherOptions = {}) {
    this.bus = bus;
    this.ruleSets = new RuleSets(bus);
    // Only engines may publish findings, and readers see the id.
    this.#findings = new Publisher(bus, { ...options, plainIds: true });
    this.#decisions = new Publisher(bus, options);
    this.#windows = new Publisher(bus, { ...options, plainIds: true });
  }

  /** Events of the partitions, each until it is acknowledged. Break out of the loop, or `close()` it, to stop. */
  consumeEvents(options: ConsumeEventsOptions): AsyncQueue<EventMessage> {
    return this.feedEvents(options).queue;
  }

  /** The same, with partitions that may be changed. */
  feedEvents(options: ConsumeEventsOptions): EventFeed {
    const queue: AsyncQueue<EventMessage> = new AsyncQueue({ onEnd: () => consuming.stop() });
    const names = (partitions: readonly number[]): string[] => partitions.map((it) => CONSUMERS.events(it));
    const consuming = consume(this.bus, {
      stream: STREAMS.events,
      consumers: names(options.partitions),
      most: options.most ?? 64,
      queue,
      ackDelay: ACK_DELAY,
      brief: true,
      ...(options.inHand === undefined ? {} : { inHand: options.inHand }),
      wrap: (message) => {
        const parts = parseEventSubject(message.subject);
        if (parts !== null) return { ...message, ...parts };
        this.malformed++;
        message.term("not an event subject");
        return null;
      },
    });
    return { queue, setPartitions: (partitions) => consuming.from(names(partitions)) };
  }

  /**
   * Gives back the messages of a reader that died, by their reply subjects: others get them at once. One with a reason is
   * given up for ever. What cannot be said now comes again by itself.
   */
  giveBack(replies: readonly string[], givenUp: (reply: string) => string | null = () => null): void {
    for (const reply of replies) {
      const reason = givenUp(reply);
      if (this.bus.connected) this.bus.publish(reply, reason === null ? "-NAK" : `+TERM ${reason}`);
    }
  }

  /** Says of messages that their reader is at work on them: their time limit starts anew. */
  atWork(replies: readonly string[]): void {
    for (const reply of replies) if (this.bus.connected) this.bus.publish(reply, "+WPI");
  }

  /** Says that this engine is there, which partitions it may read and which it does read. @throws {BusError} */
  async putMember(id: string, partitions: readonly number[], holds: readonly number[]): Promise<void> {
    await store(this.bus, memberSubject(id), JSON.stringify({ partitions, holds }));
  }

  /** Says that this engine goes. @throws {BusError} */
  async deleteMember(id: string): Promise<void> {
    await store(this.bus, memberSubject(id), "", { headers: { "KV-Operation": "DEL" } });
  }

  /** Every engine that was there within the last half minute and has not said that it goes. @throws {BusError} */
  async members(): Promise<EngineMember[]> {
    const all = `$KV.${BUCKETS.engines}.>`;
    const { messages } = await getMany(this.bus, kvStream(BUCKETS.engines), { multi_last: [all] });
    return messages.flatMap((message) => {
      const { subject, time, data } = message;
      const id = decodeToken(subject.slice(all.length - 1));
      if (id === null || message.header("KV-Operation") !== "") return [];
      return [{ id, time, ...readMember(data) }];
    });
  }

  /**
   * Resolves when the finding is stored; readers then have it. The same id again within `bus.duplicate_window` is
   * dropped. `msgId` is the alert's id by default, with `-summary` for the summary of a window.
   */
  async publishFinding(alert: Alert, msgId?: string): Promise<void> {
    const id = msgId ?? (alert.summary === true ? `${alert.id}-summary` : alert.id);
    await this.#findings.publish(findingSubject(alert.severity, alert.rule), Buffer.from(JSON.stringify(alert)), id);
  }

  /** Resolves when the decision is stored. The same `msgId` again is dropped. */
  async publishDecision(policy: string, decision: Decision, msgId: string): Promise<void> {
    await this.#decisions.publish(decisionSubject(policy), Buffer.from(JSON.stringify(decision)), msgId);
  }

  /** Stores a window of a partition for so many milliseconds; resolves when it is stored. Null: it is closed. */
  async putWindow(partition: number, key: string, data: Uint8Array | null, keepMs: number): Promise<void> {
    const ttl = { "Nats-TTL": `${Math.max(1, Math.ceil(keepMs / 1000))}s` };
    const headers = data === null ? { ...ttl, "KV-Operation": "DEL" } : ttl;
    const subject = `$KV.${BUCKETS.windows}.${partition}.${key}`;
    await this.#windows.publish(subject, data ?? new Uint8Array(), `${this.#writer}.${this.#writes++}`, headers);
  }

  /** Every open window of a partition. @throws {BusError} */
  async readWindows(partition: number): Promise<StoredWindow[]> {
    const prefix = `$KV.${BUCKETS.windows}.${partition}.`;
    const windows: StoredWindow[] = [];
    for (let seq = 1, more = true; more;) {
      const query = { seq, next_by_subj: `${prefix}>`, batch: 256 };
      const got = await getMany(this.bus, kvStream(BUCKETS.windows), query);
      for (const { subject, data, time } of got.messages) {
        if (data.length > 0) windows.push({ key: subject.slice(prefix.length), data, time });
      }
      seq = (got.messages.at(-1)?.seq ?? 0) + 1;
      more = got.more && got.messages.length > 0;
    }
    return windows;
  }

  /** The rule set in force and each one that follows. */
  watchRuleSets(): AsyncQueue<LoadedRuleSet> {
    return this.ruleSets.watch();
  }

  async putStatus(name: string, status: object): Promise<void> {
    const headers = { "Nats-TTL": STATUS_TTL };
    await store(this.bus, `$KV.${BUCKETS.status}.${engineStatusKey(name)}`, JSON.stringify(status), { headers });
  }

  /** Says which events this engine needs; to be said again before `ttl` is over. @throws {BusError} */
  async putDemand(name: string, demand: Demand): Promise<void> {
    await store(this.bus, `$KV.${BUCKETS.demand}.${demandKey("engine", name)}`, JSON.stringify(demand));
  }

  /** Waits at most `limit` ms for what is still on its way, then closes. */
  async close(limit = 2000): Promise<void> {
    const publishers = [this.#findings, this.#decisions, this.#windows];
    await Promise.all(publishers.map((it) => it.drain(limit)));
    for (const it of publishers) it.close();
    await this.bus.close();
  }
}

function memberSubject(id: string): string {
  return `$KV.${BUCKETS.engines}.${encodeToken(id)}`;
}

function readMember(data: Uint8Array): Pick<EngineMember, "partitions" | "holds"> {
  const numbers = (value: unknown): number[] =>
    Array.isArray(value) ? value.filter((it) => Number.isInteger(it)) : [];
  try {
    const { partitions, holds } = JSON.parse(Buffer.from(data).toString()) as Record<string, unknown>;
    return { partitions: numbers(partitions), holds: numbers(holds) };
  } catch {
    // Written by something else than an engine of ours: it gets nothing.
    return { partitions: [], holds: [] };
  }
}
