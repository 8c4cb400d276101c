import type { EngineBus, EventFeed, EventMessage } from "../../bus/clients/engine.ts";
import type { InHand } from "../../bus/in-hand.ts";
import type { Logger } from "../../bus/log.ts";
import { EngineError, reasonOf } from "../errors.ts";
import type { Evaluator } from "../eval/evaluator.ts";
import { evaluateMessage } from "../eval/message.ts";
import type { MessageResult } from "../eval/message.ts";
import type { Counter, Counters } from "./counters.ts";
import { Windows } from "./windows.ts";

export interface ReaderOptions {
  evaluator: Evaluator;
  /** Kinds that any rule or policy is about. */
  kinds: ReadonlySet<string>;
  counters: Counters;
  inHand: InHand;
  /** Sequences of messages in which a thread died: their Rego is taken rule by rule. */
  alone: ReadonlySet<number>;
  /** Told when one of those came to its end. */
  onSurvived: (sequence: number) => void;
  onAlert: (rule: string) => void;
  onRefused: (subject: string, reason: string) => void;
  log: Logger;
}

/** Messages under publication at once. */
const IN_FLIGHT = 512;
const RETRY_MS = 1000;
/** A message that could not be handled so often is given up, and counted. */
const TRIES_MAX = 10;
const SUMMARIES_MS = 250;

/**
 * Reads partitions: events in, findings and decisions out. A message is acked when all that came of it is stored; what is
 * delivered twice has the same ids, so the streams keep one. Messages are evaluated one after the other.
 */
export class Reader {
  readonly #bus: EngineBus;
  readonly #options: ReaderOptions;
  readonly #feed: EventFeed;
  readonly #windows: Windows;
  readonly #working = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #partitions: readonly number[] = [];
  #changes: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(bus: EngineBus, options: ReaderOptions) {
    this.#bus = bus;
    this.#options = options;
    const { inHand } = options;
    this.#feed = bus.feedEvents({ partitions: [], inHand });
    this.#windows = new Windows(bus, {
      onRestored: (windows) => this.#count("windows_restored", windows),
      onEarly: () => this.#count("windows_early"),
      onUnreadable: (reason) => {
        this.#count("windows_unreadable");
        options.log.warn({ reason }, "a window cannot be gone on with");
      },
    });
    this.#timer = setInterval(() => void this.#tellEnded(), SUMMARIES_MS);
  }

  /** Until `stop`. */
  async run(): Promise<void> {
    for await (const message of this.#feed.queue) {
      await this.#take(message);
      while (this.#working.size >= IN_FLIGHT) await Promise.race(this.#working);
    }
  }

  /** Reads these from now on. Resolves when nothing of those that are left out is in work, and all that is remembered of them is stored. */
  setPartitions(partitions: readonly number[]): Promise<void> {
    this.#changes = this.#changes.then(() => this.#change(partitions));
    return this.#changes;
  }

  /** Brings what is in work to its end. */
  async stop(): Promise<void> {
    await this.setPartitions([]);
    this.#stopping = true;
    clearInterval(this.#timer);
    this.#feed.queue.close();
    await Promise.allSettled(this.#working);
  }

  get windows(): number {
    return this.#windows.open;
  }

  async #change(partitions: readonly number[]): Promise<void> {
    const left = this.#partitions.filter((it) => !partitions.includes(it));
    const added = partitions.filter((it) => !this.#partitions.includes(it));
    this.#partitions = partitions.filter((it) => !added.includes(it));
    await this.#feed.setPartitions(this.#partitions);
    if (left.length > 0) await this.#windows.stored().catch((thrown: unknown) => this.#failed(thrown));
    for (const partition of left) this.#windows.forget(partition);
    await Promise.all(added.map((partition) => this.#restore(partition)));
    this.#partitions = [...partitions];
    await this.#feed.setPartitions(this.#partitions);
  }

  async #restore(partition: number): Promise<void> {
    for (let tries = 0; !this.#stopping; tries++) {
      try {
        await this.#windows.restore(partition);
        return;
      } catch (thrown) {
        // Without the bus there is nothing to read either.
        const level = tries % 50 === 5 ? "warn" : "debug";
        this.#options.log[level]({ err: thrown, partition }, "windows cannot be read: the partition waits for them");
        await new Promise((wake) => setTimeout(wake, 200));
      }
    }
  }

  async #take(message: EventMessage): Promise<void> {
    const { evaluator, kinds, inHand, alone } = this.#options;
    this.#count("messages");
    // They are evaluated all the same, which is to say checked.
    if (!kinds.has(message.kind)) this.#count("messages_without_rules");
    const suspect = alone.size > 0 && alone.has(message.sequence);
    inHand.work(message.slot);
    const result = await evaluateMessage(evaluator, message.data, message, suspect);
    inHand.work(-1);
    if (suspect) this.#options.onSurvived(message.sequence);
    this.#countResult(message.subject, result);
    if (result.findings.length === 0 && result.decisions.length === 0) {
      message.ack();
      return;
    }
    const work = this.#publish(message, result).finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  /** Decisions first: they are of each finding, also of one that is not told again, and every millisecond counts. */
  async #publish(message: EventMessage, result: MessageResult): Promise<void> {
    const stored: Promise<void>[] = [];
    try {
      for (const { policy, decision, messageId } of result.decisions)
        stored.push(this.#bus.publishDecision(policy, decision, messageId));
      const alerts = this.#windows.admit(result.findings, message.partition, message.sequence);
      for (const alert of alerts) {
        stored.push(this.#bus.publishFinding(alert));
        this.#options.onAlert(alert.rule);
      }
      stored.push(this.#windows.stored());
      await Promise.all(stored);
      this.#count("decisions", result.decisions.length);
      this.#count("alerts", alerts.length);
      this.#count("suppressed", result.findings.length - alerts.length);
      message.ack();
    } catch (thrown) {
      await Promise.allSettled(stored);
      this.#refuse(message, thrown);
    }
  }

  #refuse(message: EventMessage, thrown: unknown): void {
    const { log, onRefused } = this.#options;
    this.#count("messages_failed");
    onRefused(message.subject, reasonOf(thrown));
    const givenUp = thrown instanceof EngineError && message.deliveries >= TRIES_MAX;
    const then = givenUp ? "it is given up" : "it will come again";
    log.error({ err: thrown, subject: message.subject }, `a message could not be handled; ${then}`);
    if (givenUp) {
      this.#count("messages_given_up");
      message.term(reasonOf(thrown));
    } else message.nak(RETRY_MS);
  }

  async #tellEnded(): Promise<void> {
    for (const ended of this.#windows.ended()) {
      const { summary } = ended;
      if (summary === null) {
        void this.#windows.close(ended).catch((thrown: unknown) => this.#failed(thrown));
        continue;
      }
      this.#count("summaries");
      // Should it fail, the window is still stored: whoever reads the partition next tells of it.
      const work = this.#bus
        .publishFinding(summary)
        .then(() => this.#windows.close(ended))
        .catch((thrown: unknown) => this.#failed(thrown))
        .finally(() => this.#working.delete(work));
      this.#working.add(work);
    }
  }

  #failed(thrown: unknown): void {
    if (!this.#stopping) this.#options.log.error({ err: thrown }, "a window could not be stored or told of");
  }

  #countResult(subject: string, result: MessageResult): void {
    this.#count("events", result.events);
    if (result.unchecked > 0) this.#count("events_unchecked", result.unchecked);
    if (result.findings.length > 0) this.#count("findings", result.findings.length);
    for (const [code, count] of Object.entries(result.refused)) {
      this.#count("refused", count);
      this.#count(`refused_${code}` as Counter, count);
    }
    if (result.refusal !== null) this.#options.onRefused(subject, result.refusal);
  }

  #count(counter: Counter, amount = 1): void {
    this.#options.counters.add(counter, amount);
  }
}
