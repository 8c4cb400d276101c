import type { BusConnection } from "../connection.ts";
import { consume, type StreamMessage } from "../consumer.ts";
import { getMany } from "../direct.ts";
import { store } from "../jetstream.ts";
import { Publisher, type PublisherOptions } from "../publisher.ts";
import { AsyncQueue } from "../queue.ts";
import { RuleSets, type LoadedRuleSet } from "../rule-sets.ts";
import {
  BUCKETS,
  CONSUMERS,
  decisionSubject,
  engineStatusKey,
  findingSubject,
  kvStream,
  parseEventSubject,
  STREAMS,
} from "../subjects.ts";
import { decodeToken, encodeToken } from "../tokens.ts";
import type { Alert } from "../types/alert.ts";
import type { Decision } from "../types/decision.ts";

/** How long an engine that is gone still stands in the status: containers of a scaled service have a new name each time. */
const STATUS_TTL = "10m";

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
}

/** Events of partitions that may become others while it runs. Break out of the loop over `queue`, or `close()` it, to stop. */
export interface EventFeed {
  queue: AsyncQueue<EventMessage>;
  setPartitions(partitions: readonly number[]): void;
}

/** An engine that is there. `time` is the server's, ms since the epoch, so that no host's clock is asked. */
export interface EngineMember {
  /** Unique, other than the engine's name. */
  id: string;
  time: number;
  partitions: number[];
}

/** What a rules engine does on the bus. */
export class EngineBus {
  readonly bus: BusConnection;
  readonly ruleSets: RuleSets;
  /** Messages on subjects that no agent publishes on; they are refused and counted. */
  malformed = 0;
  readonly #findings: Publisher;
  readonly #decisions: Publisher;

  constructor(bus: BusConnection, options: PublisherOptions = {}) {
    this.bus = bus;
    this.ruleSets = new RuleSets(bus);
    // Only engines may publish findings, and readers see the id.
    this.#findings = new Publisher(bus, { ...options, plainIds: true });
    this.#decisions = new Publisher(bus, options);
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

  /** Says that this engine is there and which partitions it may read. @throws {BusError} */
  async putMember(id: string, partitions: readonly number[]): Promise<void> {
    await store(this.bus, memberSubject(id), JSON.stringify({ partitions }));
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
      const id = decodeToken(message.subject.slice(all.length - 1));
      if (id === null || message.header("KV-Operation") !== "") return [];
      return [{ id, time: message.time, partitions: readPartitions(message.data) }];
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

  /** The rule set in force and each one that follows. */
  watchRuleSets(): AsyncQueue<LoadedRuleSet> {
    return this.ruleSets.watch();
  }

  async putStatus(name: string, status: object): Promise<void> {
    const headers = { "Nats-TTL": STATUS_TTL };
    await store(this.bus, `$KV.${BUCKETS.status}.${engineStatusKey(name)}`, JSON.stringify(status), { headers });
  }

  /** Says which events this engine needs; ends by itself a minute after the last time. */
  async putDemand(name: string, demand: object): Promise<void> {
    await store(this.bus, `$KV.${BUCKETS.demand}.engine.${encodeToken(name)}`, JSON.stringify(demand));
  }

  /** Waits at most `limit` ms for what is still on its way, then closes. */
  async close(limit = 2000): Promise<void> {
    await Promise.all([this.#findings.drain(limit), this.#decisions.drain(limit)]);
    this.#findings.close();
    this.#decisions.close();
    await this.bus.close();
  }
}

function memberSubject(id: string): string {
  return `$KV.${BUCKETS.engines}.${encodeToken(id)}`;
}

function readPartitions(data: Uint8Array): number[] {
  try {
    const { partitions } = JSON.parse(Buffer.from(data).toString()) as { partitions?: unknown };
    return Array.isArray(partitions) ? partitions.filter((it) => Number.isInteger(it)) : [];
  } catch {
    // Written by something else than an engine of ours: it gets nothing.
    return [];
  }
}
