import type { Logger } from "../../bus/log.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";
import { EngineError, reasonOf } from "../errors.ts";
import type { MessageResult } from "../eval/message.ts";
import { Dedupe } from "./dedupe.ts";
import type { EnginePort, EventMessage } from "./port.ts";
import { RuleHost } from "./rule-host.ts";
import type { HostOptions } from "./rule-host.ts";
import { ruleDisabledAlert } from "./self-alert.ts";
import { Statistics } from "./statistics.ts";

export interface EngineOptions {
  name: string;
  node: string;
  version: string;
  config: { enforce: boolean };
  memoryMb: number;
  watchdogMs: number;
  /** Messages under evaluation or publication at once. */
  inFlight?: number;
  statusMs?: number;
}

const IN_FLIGHT = 128;
const STATUS_MS = 2000;
const RETRY_MS = 1000;
/** A message that could not be evaluated so often ends the evaluation of all others each time: it is given up, and counted. */
const TRIES_MAX = 10;

/**
 * The rules engine on the bus: events in, findings and decisions out. A message is acked when all that came of it is stored;
 * what is delivered twice has the same ids, so the streams keep one. One rule set at a time evaluates, each message by one
 * set only; a set that cannot be loaded leaves the last one in force.
 */
export class Engine {
  readonly statistics = new Statistics();
  readonly #port: EnginePort;
  readonly #options: EngineOptions;
  readonly #log: Logger;
  readonly #dedupe = new Dedupe();
  #host: RuleHost | null = null;
  #kinds = new Set<string>();
  #working = new Set<Promise<void>>();
  #state: EngineStatus["state"] = "starting";
  #firstSet: () => void = () => {};

  constructor(port: EnginePort, options: EngineOptions, log: Logger) {
    this.#port = port;
    this.#options = options;
    this.#log = log;
  }

  /** Runs until the signal aborts; then what is in flight is brought to its end. `onRunning` is called once events are taken. */
  async run(signal: AbortSignal, onRunning: (ruleset: string) => void = () => {}): Promise<void> {
    const timers = [
      setInterval(() => void this.#summaries(false), 250),
      setInterval(() => void this.#putStatus(), this.#options.statusMs ?? STATUS_MS),
    ];
    const hasSet = new Promise<void>((resolve) => (this.#firstSet = resolve));
    const swaps = this.#swapSets(signal);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    try {
      await this.#putStatus();
      await Promise.race([hasSet, aborted, swaps]);
      if (this.#host !== null && !signal.aborted) {
        this.#state = "running";
        await this.#putStatus();
        onRunning(this.#host.set.digest);
        await Promise.race([this.#takeEvents(signal), swaps.then(() => aborted)]);
      }
    } finally {
      for (const timer of timers) clearInterval(timer);
      this.#state = "stopping";
      await Promise.allSettled(this.#working);
      await this.#summaries(true);
      await this.#putStatus();
      await this.#host?.close();
    }
  }

  status(): EngineStatus {
    return this.statistics.status(this.#options.name, this.#state, this.#options.version, this.#host);
  }

  async #swapSets(signal: AbortSignal): Promise<void> {
    for await (const { digest, bytes } of this.#port.ruleSets(signal)) {
      if (digest === this.#host?.set.digest) continue;
      try {
        await this.#swap(bytes);
        this.statistics.refusedRuleSet = null;
      } catch (thrown) {
        this.statistics.add("rulesets_refused");
        this.statistics.refusedRuleSet = { digest, reason: reasonOf(thrown) };
        this.#log.error({ err: thrown, digest }, "the rule set cannot be taken; the last one stays in force");
      }
      await this.#putStatus();
    }
  }

  /** The new set is ready before the first message goes to it; those that the old one has are brought to their end there. */
  async #swap(bytes: Uint8Array): Promise<void> {
    const host = await RuleHost.start(bytes, this.#hostOptions());
    const old = this.#host;
    this.#host = host;
    this.#kinds = new Set([...host.set.rules, ...host.set.policies].flatMap((thing) => thing.on));
    this.statistics.add("rulesets_loaded");
    this.#log.info({ ruleset: host.set.digest, rules: host.set.rules.length }, "rule set in force");
    this.#firstSet();
    if (old !== null) void old.drain().then(() => old.close());
  }

  #hostOptions(): HostOptions {
    const { config, memoryMb, watchdogMs, name, node } = this.#options;
    return {
      ...{ config, memoryMb, watchdogMs },
      onFailure: (failure) => {
        this.statistics.failed(failure);
        this.#log.debug({ failure }, "a rule failed");
      },
      onRestart: (reason) => {
        this.statistics.add("worker_restarts");
        this.#log.warn({ reason }, "the evaluation thread was restarted");
      },
      onDisabled: (id, reason, cause) => {
        this.statistics.add("rules_disabled");
        this.#log.error({ rule: id, reason, cause }, "a rule was disabled");
        const alert = ruleDisabledAlert(name, id, reason, node, this.#host?.set.digest ?? "");
        void this.#keepTrying(() => this.#port.publishFinding(alert));
        void this.#putStatus();
      },
    };
  }

  async #takeEvents(signal: AbortSignal): Promise<void> {
    const most = this.#options.inFlight ?? IN_FLIGHT;
    for await (const message of this.#port.events(signal)) {
      const work = this.#take(message).finally(() => this.#working.delete(work));
      this.#working.add(work);
      while (this.#working.size >= most) await Promise.race(this.#working);
    }
  }

  async #take(message: EventMessage): Promise<void> {
    const host = this.#host!;
    this.statistics.add("messages");
    if (!this.#kinds.has(message.kind)) {
      this.statistics.add("messages_without_rules");
      message.ack();
      return;
    }
    try {
      const result = await host.evaluate({ kind: message.kind, node: message.node }, message.data);
      this.statistics.evaluated(message.subject, result);
      await this.#publish(result);
      message.ack();
    } catch (thrown) {
      this.statistics.add("messages_failed");
      this.statistics.refuse(message.subject, reasonOf(thrown));
      const givenUp = thrown instanceof EngineError && message.deliveries >= TRIES_MAX;
      const then = givenUp ? "it is given up" : "it will come again";
      this.#log.error({ err: thrown, subject: message.subject }, `a message could not be handled; ${then}`);
      if (givenUp) {
        this.statistics.add("messages_given_up");
        message.term(reasonOf(thrown));
      } else message.nak(RETRY_MS);
    }
  }

  /** Decisions first: they are of each finding, also of one that is not told again, and every millisecond counts. */
  async #publish(result: MessageResult): Promise<void> {
    const stored: Promise<void>[] = [];
    for (const { policy, decision, messageId } of result.decisions) {
      stored.push(this.#port.publishDecision(policy, decision, messageId));
      this.statistics.add("decisions");
    }
    for (const finding of result.findings) {
      if (this.#dedupe.admit(finding)) {
        stored.push(this.#port.publishFinding(finding.alert));
        this.statistics.add("alerts");
        this.statistics.alerted(finding.alert);
      } else this.statistics.add("suppressed");
    }
    await Promise.all(stored);
  }

  async #summaries(all: boolean): Promise<void> {
    for (const summary of this.#dedupe.ended(all)) {
      this.statistics.add("summaries");
      const work = this.#keepTrying(() => this.#port.publishFinding(summary)).finally(() => this.#working.delete(work));
      this.#working.add(work);
    }
    if (all) await Promise.allSettled(this.#working);
  }

  /** For what no message stands for any more that could be delivered again. */
  async #keepTrying(act: () => Promise<void>): Promise<void> {
    for (let n = 0; ; n++) {
      try {
        await act();
        return;
      } catch (thrown) {
        if (this.#state === "stopping" || n >= 60) {
          this.statistics.add("publish_failed");
          this.#log.error({ err: thrown }, "could not be published");
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #putStatus(): Promise<void> {
    try {
      await this.#port.putStatus(this.status());
    } catch (thrown) {
      this.statistics.add("status_failed");
      this.#log.debug({ err: thrown }, "the status could not be written");
    }
  }
}
