import type { BusConnection } from "../connection.ts";
import { requestControl } from "../control.ts";
import { DesiredStore, type StoredEntry } from "../desired-store.ts";
import { getMany, getOne, type StoredMessage } from "../direct.ts";
import { unpackEvents } from "../event-codec.ts";
import type { Event } from "../generated/events.ts";
import { parseEventId } from "../ids.ts";
import { store } from "../jetstream.ts";
import { partitionOf } from "../partition.ts";
import { RuleSets } from "../rule-sets.ts";
import {
  BUCKETS,
  demandKey,
  eventSubject,
  kvStream,
  parseDecisionSubject,
  parseEventSubject,
  STREAMS,
} from "../subjects.ts";
import { tail } from "../tail.ts";
import { encodeToken } from "../tokens.ts";
import type { Alert } from "../types/alert.ts";
import type { Decision } from "../types/decision.ts";
import type { Demand } from "../types/demand.ts";
import { parseJson } from "../validate.ts";

export interface ReadOptions {
  /** From when on; null: all that is kept, or, with `follow`, only what is new. */
  since?: Date | null;
  follow?: boolean;
  signal?: AbortSignal;
}

export interface ReadEventsOptions extends ReadOptions {
  kinds?: string[];
  node?: string;
}

/** A decision as it is kept. `decision` is as it came: nobody has checked it. */
export interface StoredDecision {
  policy: string;
  decider: string | null;
  sequence: number;
  time: number;
  decision: Decision;
}

/** What a person at the CLI does on the bus: read everything, and ask the controller. */
export class OperatorBus {
  readonly bus: BusConnection;
  readonly ruleSets: RuleSets;
  /** Stored messages or lines that could not be read; they are left out. */
  malformed = 0;

  constructor(bus: BusConnection) {
    this.bus = bus;
    this.ruleSets = new RuleSets(bus);
  }

  /** Says which events this reader wants; to be said again before `ttl` is over. @throws {BusError} */
  async putDemand(id: string, demand: Demand): Promise<void> {
    await store(this.bus, `$KV.${BUCKETS.demand}.${demandKey("reader", id)}`, JSON.stringify(demand));
  }

  /** Says that this reader wants nothing any more. @throws {BusError} */
  async deleteDemand(id: string): Promise<void> {
    const headers = { "KV-Operation": "DEL" };
    await store(this.bus, `$KV.${BUCKETS.demand}.${demandKey("reader", id)}`, "", { headers });
  }

  /** See `requestControl`. */
  async requestControl(verb: string, body?: unknown, timeout?: number): Promise<unknown> {
    return requestControl(this.bus, verb, body, timeout);
  }

  /** Events in the order of the stream. The node of each is that of its subject. */
  async *readEvents(options: ReadEventsOptions = {}): AsyncGenerator<Event> {
    const { kinds, node } = options;
    const kind = kinds?.length === 1 ? encodeToken(kinds[0]!) : "*";
    const where = node === undefined ? `*.${kind}.*` : `${partitionOf(node)}.${kind}.${encodeToken(node)}`;
    for await (const message of this.#tail(STREAMS.events, `reeve.events.${where}`, options)) {
      const parts = parseEventSubject(message.subject);
      if (parts === null) this.malformed++;
      else if (kinds === undefined || kinds.includes(parts.kind)) yield* this.#events(this.#lines(message), parts.node);
    }
  }

  /** Alerts in the order of the stream. */
  async *readAlerts(options: ReadOptions = {}): AsyncGenerator<Alert> {
    for await (const message of this.#tail(STREAMS.alerts, "reeve.alerts.>", options)) {
      const alert = this.#json(message) as Alert | null;
      if (alert !== null) yield alert;
    }
  }

  /** Decisions in the order of the stream. */
  async *readDecisions(options: ReadOptions = {}): AsyncGenerator<StoredDecision> {
    for await (const message of this.#tail(STREAMS.decisions, "reeve.decisions.>", options)) {
      const decision = this.#decision(message);
      if (decision !== null) yield decision;
    }
  }

  /** Calls back with each alert as it is published; returns how to stop. */
  subscribeAlerts(onAlert: (alert: Alert) => void): () => void {
    return this.bus.subscribe("reeve.alerts.>", (msg) => {
      try {
        onAlert(parseJson(msg.data, "alert") as Alert);
      } catch {
        this.malformed++;
      }
    });
  }

  /** The event of that id, or null when it is not kept any more. `near`: its time, when it is known; it makes it quick. */
  async findEvent(id: string, near?: Date): Promise<Event | null> {
    const parts = parseEventId(id);
    if (parts === null) return null;
    const since = near === undefined ? null : new Date(near.getTime() - 1000);
    for await (const message of this.#tail(STREAMS.events, eventSubject(parts.kind, parts.node), { since })) {
      const lines = this.#lines(message);
      if (!lines.includes(id)) continue;
      for (const event of this.#events(lines, parts.node)) if (event.id === id) return event;
    }
    return null;
  }

  /** The alert of that id, or null. A summary has the id of its alert; the first one is found. */
  async findAlert(id: string): Promise<Alert | null> {
    for await (const message of this.#tail(STREAMS.alerts, "reeve.alerts.>", {})) {
      if (!message.header("Nats-Msg-Id").startsWith(id)) continue;
      const alert = this.#json(message) as Alert | null;
      if (alert?.id === id) return alert;
    }
    return null;
  }

  /** The decision of that sequence, or null. */
  async findDecision(sequence: number): Promise<StoredDecision | null> {
    const message = await getOne(this.bus, STREAMS.decisions, { seq: sequence, next_by_subj: "reeve.decisions.>" });
    return message?.seq === sequence ? this.#decision(message) : null;
  }

  /** Status entries: key (`node.<node>`, `engine.<name>`, `controller`), value and when it was written. */
  async readStatus(): Promise<{ key: string; value: unknown; time: number }[]> {
    const prefix = `$KV.${BUCKETS.status}.`;
    const { messages } = await getMany(this.bus, kvStream(BUCKETS.status), { multi_last: [`${prefix}>`] });
    return messages.flatMap((message) => {
      const value = this.#json(message);
      return value === null ? [] : [{ key: message.subject.slice(prefix.length), value, time: message.time }];
    });
  }

  /** All of the desired state. */
  async readDesired(): Promise<StoredEntry[]> {
    return new DesiredStore(this.bus).list();
  }

  /** How much each stream holds, between which times (ms since the epoch; null: nothing). */
  async readStreams(): Promise<{ name: string; messages: number; from: number | null; to: number | null }[]> {
    const of = {
      [STREAMS.events]: "reeve.events.>",
      [STREAMS.alerts]: "reeve.alerts.>",
      [STREAMS.decisions]: "reeve.decisions.>",
    };
    return Promise.all(
      Object.entries(of).map(async ([name, subject]) => {
        const first = await getOne(this.bus, name, { seq: 1, next_by_subj: subject });
        const last = await getOne(this.bus, name, { last_by_subj: subject });
        if (first === null || last === null) return { name, messages: 0, from: null, to: null };
        return { name, messages: last.seq - first.seq + 1, from: first.time, to: last.time };
      }),
    );
  }

  /** Address and version of the nats-server. @throws {BusError} `not_connected` */
  serverInfo(): { url: string; version: string } {
    const nats = this.bus.nats();
    return { url: `nats://${nats.getServer()}`, version: nats.info?.version ?? "" };
  }

  async close(): Promise<void> {
    await this.bus.close();
  }

  #tail(stream: string, subject: string, options: ReadOptions): AsyncGenerator<StoredMessage> {
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    return tail(this.bus, stream, {
      subject,
      since: options.since ?? null,
      follow: options.follow ?? false,
      ...signal,
    });
  }

  /** Empty where they cannot be read, which is counted. */
  #lines(message: StoredMessage): Buffer {
    try {
      return Buffer.from(unpackEvents(message.data));
    } catch {
      this.malformed++;
      return Buffer.alloc(0);
    }
  }

  *#events(lines: Buffer, node: string): Generator<Event> {
    for (const line of lines.toString().split("\n")) {
      if (line === "") continue;
      try {
        yield { ...(parseJson(line, "event") as Event), node };
      } catch {
        this.malformed++;
      }
    }
  }

  #json(message: StoredMessage): unknown {
    if (message.header("KV-Operation") !== "") return null;
    try {
      return parseJson(message.data, "message");
    } catch {
      this.malformed++;
      return null;
    }
  }

  #decision(message: StoredMessage): StoredDecision | null {
    const parts = parseDecisionSubject(message.subject);
    const decision = this.#json(message) as Decision | null;
    if (parts === null || decision === null) return null;
    return { ...parts, sequence: message.seq, time: message.time, decision };
  }
}
