import { setTimeout as sleep } from "node:timers/promises";
import type { EngineBus } from "../../bus/clients/engine.ts";
import type { Config } from "../../bus/config/settings.ts";
import type { Logger } from "../../bus/log.ts";
import type { Alert } from "../../bus/types/alert.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";
import { reasonOf } from "../errors.ts";
import { decodeRuleSet } from "../model/rule-set.ts";
import { DemandKeeper, type WantingSet } from "./demand.ts";
import { Ownership } from "./ownership.ts";
import { parsePartitions } from "./partitions.ts";
import { Pool } from "./pool.ts";
import { ruleDisabledAlert } from "./self-alert.ts";
import { Statistics } from "./statistics.ts";

export interface EngineOptions {
  config: Config;
  version: string;
  /** Evaluation threads. */
  threads: number;
}

const STATUS_MS = 2000;
const RETRY_MS = 1000;
const STOP_LIMIT_MS = 4000;

/**
 * The rules engine on the bus: it watches over the threads that evaluate, and gives them rule sets and partitions. One rule
 * set at a time evaluates, each message by one set only; a set that cannot be loaded leaves the last one in force.
 */
export class Engine {
  readonly statistics = new Statistics();
  readonly #bus: EngineBus;
  readonly #options: EngineOptions;
  readonly #log: Logger;
  readonly #ownership: Ownership;
  readonly #demand: DemandKeeper;
  #pool: Pool | null = null;
  #partitions: readonly number[] = [];
  /** One change of set or partitions after the other. */
  #changes: Promise<void> = Promise.resolve();
  readonly #publishing = new Set<Promise<void>>();
  #state: EngineStatus["state"] = "starting";
  #stopped = false;

  /** @throws EngineError when `engine.partitions` cannot be */
  constructor(bus: EngineBus, options: EngineOptions, log: Logger) {
    this.#bus = bus;
    this.#options = options;
    this.#log = log;
    const { name, partitions } = options.config.engine;
    this.#ownership = new Ownership(bus, name, parsePartitions(partitions), log);
    this.#demand = new DemandKeeper(bus, name, log);
  }

  /** Runs until the signal aborts; then what is in work is brought to its end. `onRunning` is called once events are read. */
  async run(signal: AbortSignal, onRunning: (ruleset: string) => void = () => {}): Promise<void> {
    const timer = setInterval(() => void this.#putStatus(), STATUS_MS);
    const running = Promise.withResolvers<void>();
    const swaps = this.#swapSets(signal, running.resolve);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    try {
      await this.#putStatus();
      await Promise.race([running.promise, aborted, swaps]);
      if (this.#pool !== null && !signal.aborted) {
        const owning = this.#ownership.run(signal, (owned) => this.#change(owned));
        this.#state = "running";
        await this.#putStatus();
        onRunning(this.#pool.set.digest);
        await owning;
      }
    } finally {
      this.#state = "stopping";
      this.#demand.stop();
      await this.#stopPool();
      this.#stopped = true;
      await Promise.race([Promise.allSettled(this.#publishing), sleep(STOP_LIMIT_MS / 4, undefined, { ref: false })]);
      clearInterval(timer);
      await this.#putStatus();
    }
  }

  status(): EngineStatus {
    const { config, version } = this.#options;
    this.statistics.set("malformed_subjects", this.#bus.malformed);
    return {
      ...this.statistics.status(config.engine.name, this.#state, version, this.#pool),
      partitions: [...this.#ownership.owned],
    };
  }

  /** What it holds now, for metrics. */
  get open(): { windows: number; threads: number; connected: number; partitions: number } {
    const none = { windows: 0, threads: 0, connected: 0 };
    return { ...(this.#pool?.open ?? none), partitions: this.#partitions.length };
  }

  #change(partitions: readonly number[]): Promise<void> {
    this.#changes = this.#changes.then(async () => {
      this.#partitions = partitions;
      await this.#pool?.setPartitions(partitions);
      await this.#putStatus();
    });
    return this.#changes;
  }

  /** What is in work is brought to its end, unless the bus is away or it takes too long: then it comes again, at another engine. */
  async #stopPool(): Promise<void> {
    const ended = this.#changes.then(() => this.#pool?.stop());
    const limit = this.#bus.bus.connected ? STOP_LIMIT_MS : 0;
    await Promise.race([ended, sleep(limit, undefined, { ref: false })]);
    await this.#pool?.close();
  }

  async #swapSets(signal: AbortSignal, onFirst: () => void): Promise<void> {
    const sets = this.#bus.watchRuleSets();
    if (signal.aborted) sets.close();
    else signal.addEventListener("abort", () => sets.close(), { once: true });
    for await (const { digest, bytes } of sets) {
      if (digest === this.#pool?.set.digest) continue;
      try {
        await this.#swap(bytes);
        this.statistics.refusedRuleSet = null;
        onFirst();
      } catch (thrown) {
        if (this.#pool !== null) void this.#demand.want(this.#inForce());
        this.statistics.add("rulesets_refused");
        this.statistics.refusedRuleSet = { digest, reason: reasonOf(thrown) };
        this.#log.error({ err: thrown, digest }, "the rule set cannot be taken; the last one stays in force");
      }
      await this.#putStatus();
    }
  }

  /**
   * The new set's threads are ready before they are given the partitions; those of the old one bring what they have to its
   * end before that. What is remembered goes over by the bus.
   */
  async #swap(bytes: Uint8Array): Promise<void> {
    await this.#demand.want([...this.#inForce(), { set: decodeRuleSet(bytes), disabled: new Set() }]);
    const pool = await Pool.start(bytes, {
      ...{ config: this.#options.config, threads: this.#options.threads, bus: this.#bus },
      onRestart: (reason) => {
        this.statistics.add("worker_restarts");
        this.#log.warn({ reason }, "an evaluation thread was restarted");
      },
      onDisabled: (id, reason, message) => this.#disabled(pool, id, reason, message),
      onGivenUp: (message, reason) => {
        this.statistics.add("messages_given_up");
        this.statistics.refuse(message, reason);
        this.#log.error({ message, reason }, "a message is given up");
      },
      onReport: (report) => this.statistics.reported(report),
    });
    this.#changes = this.#changes.then(async () => {
      const old = this.#pool;
      await old?.setPartitions([]);
      this.#pool = pool;
      await pool.setPartitions(this.#partitions);
      if (old !== null) void old.stop().then(() => this.statistics.keep(old.counters()));
    });
    await this.#changes;
    await this.#demand.want(this.#inForce());
    this.statistics.add("rulesets_loaded");
    this.#log.info({ ruleset: pool.set.digest, rules: pool.set.rules.length }, "rule set in force");
  }

  #inForce(): WantingSet[] {
    return this.#pool === null ? [] : [{ set: this.#pool.set, disabled: new Set(this.#pool.disabled.keys()) }];
  }

  #disabled(pool: Pool, id: string, reason: string, message: string | null): void {
    const { config } = this.#options;
    this.statistics.add("rules_disabled");
    this.#log.error({ rule: id, reason, message }, "a rule was disabled");
    const alert = ruleDisabledAlert(config.engine.name, id, reason, config.node, pool.set.digest);
    const work = this.#keepTrying(alert).finally(() => this.#publishing.delete(work));
    this.#publishing.add(work);
    if (pool === this.#pool) void this.#demand.want(this.#inForce());
    void this.#putStatus();
  }

  /** For what no message stands for that could be delivered again. */
  async #keepTrying(alert: Alert): Promise<void> {
    for (let n = 0; ; n++) {
      try {
        await this.#bus.publishFinding(alert);
        return;
      } catch (thrown) {
        if (this.#stopped || n >= 60) {
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
      await this.#bus.putStatus(this.#options.config.engine.name, this.status());
    } catch (thrown) {
      this.statistics.add("status_failed");
      this.#log.debug({ err: thrown }, "the status could not be written");
    }
  }
}
