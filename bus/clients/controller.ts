import type { BusConnection } from "../connection.ts";
import { consume, type StreamMessage } from "../consumer.ts";
import { serveControl, type ControlHandler } from "../control.ts";
import { DesiredStore } from "../desired-store.ts";
import { store } from "../jetstream.ts";
import { KvWatch, type KvUpdate } from "../kv-watch.ts";
import { AsyncQueue } from "../queue.ts";
import { RuleSets } from "../rule-sets.ts";
import { BUCKETS, CONSUMERS, CONTROLLER_STATUS_KEY, kvStream, parseDecisionSubject, STREAMS } from "../subjects.ts";
import type { ControllerStatus } from "../types/controller-status.ts";
import type { RuleSetInfo } from "../types/rule-set.ts";

/** A decision as it came. `decider` is the name of the credentials, proved by the subject; null for an engine of ours. */
export interface DecisionMessage extends StreamMessage {
  policy: string;
  decider: string | null;
}

/** What the controller does on the bus. */
export class ControllerBus {
  readonly bus: BusConnection;
  readonly desired: DesiredStore;
  readonly ruleSets: RuleSets;

  constructor(bus: BusConnection) {
    this.bus = bus;
    this.desired = new DesiredStore(bus);
    this.ruleSets = new RuleSets(bus);
  }

  /** Decisions of engines and deciders, each until it is acknowledged. */
  consumeDecisions(most = 100): AsyncQueue<DecisionMessage> {
    const queue: AsyncQueue<DecisionMessage> = new AsyncQueue({ onEnd: () => consuming.stop() });
    const consuming = consume(this.bus, {
      stream: STREAMS.decisions,
      consumers: [CONSUMERS.controller],
      most,
      queue,
      wrap: (message) => {
        const parts = parseDecisionSubject(message.subject);
        if (parts !== null) return { ...message, ...parts };
        message.term("not a decision subject");
        return null;
      },
    });
    return queue;
  }

  /** Serves `reeve.control.<verb>`; returns how to stop. */
  serveControl(handlers: Readonly<Record<string, ControlHandler>>): () => void {
    return serveControl(this.bus, handlers);
  }

  /** Stores a rule set and puts it in force. */
  async putRuleSet(bytes: Uint8Array, info: RuleSetInfo): Promise<void> {
    await this.ruleSets.put(bytes, info);
    await this.ruleSets.activate(info.digest);
  }

  /** The status of every node and engine, and every change. Data is JSON. */
  watchStatus(): AsyncQueue<KvUpdate> {
    return this.#watch(BUCKETS.status);
  }

  /** What events are wanted, and by whom. Data is JSON. */
  watchDemand(): AsyncQueue<KvUpdate> {
    return this.#watch(BUCKETS.demand);
  }

  async putStatus(status: ControllerStatus): Promise<void> {
    await store(this.bus, `$KV.${BUCKETS.status}.${CONTROLLER_STATUS_KEY}`, JSON.stringify(status));
  }

  async close(): Promise<void> {
    await this.bus.close();
  }

  #watch(bucket: string): AsyncQueue<KvUpdate> {
    return new KvWatch(this.bus, { bucket, stream: kvStream(bucket), consumer: CONSUMERS.controller }).updates;
  }
}
