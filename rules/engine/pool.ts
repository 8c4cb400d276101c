import { setTimeout as sleep } from "node:timers/promises";
import type { EngineBus } from "../../bus/clients/engine.ts";
import type { Config } from "../../bus/config/settings.ts";
import { deliveryOfReply } from "../../bus/jetstream.ts";
import { reasonOf } from "../errors.ts";
import { Strikes } from "../eval/strikes.ts";
import type { Counts } from "../eval/tally.ts";
import { GROUP, IDLE } from "../eval/watch.ts";
import { decodeRuleSet } from "../model/rule-set.ts";
import type { RuleSet } from "../model/rule-set.ts";
import { spread } from "./spread.ts";
import { EvaluationThread, lookEvery } from "./thread.ts";
import type { WorkerReport } from "./worker-protocol.ts";

export interface PoolOptions {
  config: Config;
  threads: number;
  /** With it, what a thread that died had in its hands is given back. */
  bus: Pick<EngineBus, "giveBack" | "atWork">;
  /** A rule was stopped and disabled. `message` is the one it was evaluating, where that is known. */
  onDisabled?: (id: string, reason: string, message: string | null) => void;
  onRestart?: (reason: string) => void;
  onGivenUp?: (message: string, reason: string) => void;
  onReport?: (report: WorkerReport) => void;
}

interface Slot {
  thread: EvaluationThread | null;
  partitions: number[];
}

/** A message with which a thread died so often, and no rule to blame, is given up. */
const DEATHS_MAX = 4;
/** A thread that is stuck cannot say that it is at work: it is said for it, before the messages would go to others. */
const AT_WORK_MS = 1500;
const RETRY_MS = 1000;

/**
 * The threads that evaluate one rule set, each with its share of the partitions, and the watch over them. A rule that does not
 * come to an end is given a second try, in a new thread and rule by rule, so that a machine that is short of time disables
 * nothing; then it is disabled, and what was in work is evaluated again without it. The same for one that takes all the
 * memory; Rego that takes all of its own stops by itself, and is disabled by the thread when it does so again.
 */
export class Pool {
  readonly set: RuleSet;
  readonly disabled = new Map<string, { reason: string; time: string }>();
  readonly #bundle: Uint8Array;
  readonly #options: PoolOptions;
  readonly #slots: Slot[];
  readonly #strikes: Strikes;
  readonly #past: Counts[];
  /** What threads that are gone have counted. */
  readonly #pastCounters: Record<string, number> = {};
  /** By sequence of a message in which threads died: how often, and which units were struck. */
  readonly #suspects = new Map<number, { deaths: number; units: Set<number> }>();
  #timer: NodeJS.Timeout | null = null;
  #changes: Promise<void> = Promise.resolve();
  #saidAtWork = 0;
  #closed = false;

  private constructor(bundle: Uint8Array, options: PoolOptions) {
    this.#bundle = bundle;
    this.#options = options;
    this.set = decodeRuleSet(bundle);
    this.#strikes = new Strikes(this.#units.length);
    this.#past = this.#units.map(() => ({ evaluations: 0, hits: 0, errors: 0, time_us: 0 }));
    this.#slots = Array.from({ length: options.threads }, () => ({ thread: null, partitions: [] }));
  }

  /** @throws EngineError `bundle`, `load` when the set cannot be evaluated */
  static async start(bundle: Uint8Array, options: PoolOptions): Promise<Pool> {
    const pool = new Pool(bundle, options);
    try {
      await Promise.all(pool.#slots.map(async (slot) => (slot.thread = await pool.#start())));
    } catch (thrown) {
      await pool.close();
      throw thrown;
    }
    pool.#timer = setInterval(() => void pool.#look(), lookEvery(options.config.engine.watchdog_ms));
    return pool;
  }

  /** Reads these from now on. Resolves when nothing is in work of what is left out. */
  setPartitions(partitions: readonly number[]): Promise<void> {
    this.#changes = this.#changes.then(async () => {
      const shares = spread(
        partitions,
        this.#slots.map((slot) => slot.partitions),
      );
      const keep = (slot: Slot, n: number): number[] => slot.partitions.filter((it) => shares[n]!.includes(it));
      await this.#tell(keep);
      await this.#tell((_, n) => shares[n]!);
    });
    return this.#changes;
  }

  get open(): { windows: number; threads: number; connected: number } {
    const threads = this.#threads;
    return {
      windows: threads.reduce((sum, thread) => sum + thread.windows, 0),
      threads: threads.length,
      connected: threads.filter((thread) => thread.connected).length,
    };
  }

  /** Counts of each rule and policy, in the order of the set. */
  counts(): { id: string; counts: Counts }[] {
    return this.#units.map(({ id }, unit) => ({
      id,
      counts: this.#slots.reduce((sum, { thread }) => add(sum, thread?.tally.read(unit)), this.#past[unit]!),
    }));
  }

  /** What all of its threads have counted. */
  counters(): Record<string, number> {
    const sums = { ...this.#pastCounters };
    for (const { thread } of this.#slots) thread?.counters.addTo(sums);
    return sums;
  }

  /** Brings what is in work to its end, then ends the threads. */
  async stop(): Promise<void> {
    await this.setPartitions([]);
    this.#endWatch();
    await Promise.all(this.#threads.map((thread) => thread.stop()));
    this.#keepCounts();
  }

  async close(): Promise<void> {
    this.#endWatch();
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
    this.#keepCounts();
  }

  get #threads(): EvaluationThread[] {
    return this.#slots.flatMap(({ thread }) => (thread === null ? [] : [thread]));
  }

  get #units(): { id: string }[] {
    return [...this.set.rules, ...this.set.policies];
  }

  #endWatch(): void {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #keepCounts(): void {
    for (const slot of this.#slots) {
      if (slot.thread !== null) this.#keep(slot.thread);
      slot.thread = null;
    }
  }

  #keep(thread: EvaluationThread): void {
    for (const [unit, past] of this.#past.entries()) this.#past[unit] = add(past, thread.tally.read(unit));
    thread.counters.addTo(this.#pastCounters);
  }

  async #tell(share: (slot: Slot, n: number) => number[]): Promise<void> {
    await Promise.all(
      this.#slots.map(async (slot, n) => {
        slot.partitions = share(slot, n);
        await slot.thread?.setPartitions(slot.partitions);
      }),
    );
  }

  #start(): Promise<EvaluationThread> {
    const { config, onReport } = this.#options;
    return EvaluationThread.start({
      ...{ config, bundle: this.#bundle, units: this.#units.length, strikes: this.#strikes },
      disabled: [...this.disabled.keys()],
      alone: [...this.#suspects.keys()],
      onDisabled: (id, reason) => this.#disable(id, reason, null),
      onSurvived: (sequence) => this.#survived(sequence),
      onReport: (report) => onReport?.(report),
      onDeath: (thread, reason) => {
        const slot = this.#slots.find((it) => it.thread === thread);
        if (slot !== undefined) void this.#restart(slot, reason);
      },
    });
  }

  async #look(): Promise<void> {
    await Promise.all(
      this.#slots.map(async (slot) => {
        const { thread } = slot;
        if (thread === null) return;
        const { reason, stuckMs } = await thread.look();
        if (slot.thread !== thread) return;
        if (reason !== null) await this.#restart(slot, reason);
        else if (stuckMs >= AT_WORK_MS && Date.now() - this.#saidAtWork >= AT_WORK_MS) {
          this.#saidAtWork = Date.now();
          this.#options.bus.atWork(thread.inHand.list());
        }
      }),
    );
  }

  /** The thread is stuck, or died. Finds who is to blame, gives back what it had in its hands, and starts another. */
  async #restart(slot: Slot, reason: string): Promise<void> {
    const { thread } = slot;
    if (thread === null || this.#closed) return;
    slot.thread = null;
    const { unit } = thread.watch.read();
    await thread.terminate();
    this.#keep(thread);
    const { working } = thread.inHand;
    const givenUp = working === null ? null : this.#blame(unit, working, reason);
    this.#options.bus.giveBack(thread.inHand.list(), (reply) => (reply === working ? givenUp : null));
    this.#options.onRestart?.(reason);
    while (!this.#closed) {
      try {
        const next = await this.#start();
        if (this.#closed) return await next.terminate();
        slot.thread = next;
        await next.setPartitions(slot.partitions);
        return;
      } catch (thrown) {
        this.#options.onRestart?.(`the evaluation thread cannot be started again: ${reasonOf(thrown)}`);
        await sleep(RETRY_MS);
      }
    }
  }

  /** Why the message is given up, or null. */
  #blame(unit: number, message: string, reason: string): string | null {
    const sequence = deliveryOfReply(message)?.streamSeq ?? 0;
    const suspect = this.#suspects.get(sequence) ?? { deaths: 0, units: new Set() };
    this.#suspects.set(sequence, suspect);
    suspect.deaths++;
    const id = unit === GROUP || unit === IDLE ? undefined : this.#units[unit]?.id;
    if (id !== undefined) {
      suspect.units.add(unit);
      if (!this.#strikes.add(unit)) return null;
      suspect.deaths = 0;
      this.#disable(id, reason, message);
    } else if (suspect.deaths >= DEATHS_MAX) {
      this.#suspects.delete(sequence);
      const why = `the evaluation thread died ${suspect.deaths} times with this message: ${reason}`;
      this.#options.onGivenUp?.(message, why);
      return why;
    }
    return null;
  }

  /** From here on it is not evaluated any more. */
  #disable(id: string, reason: string, message: string | null): void {
    if (this.disabled.has(id)) return;
    this.disabled.set(id, { reason, time: new Date().toISOString() });
    for (const { thread } of this.#slots) thread?.disable(id);
    this.#options.onDisabled?.(id, reason, message);
  }

  /** It was only slow. */
  #survived(sequence: number): void {
    const suspect = this.#suspects.get(sequence);
    this.#suspects.delete(sequence);
    for (const unit of suspect?.units ?? []) {
      const id = this.#units[unit]?.id;
      if (id !== undefined && !this.disabled.has(id)) this.#strikes.forgive(unit);
    }
  }
}

function add(a: Counts, b: Counts | undefined): Counts {
  if (b === undefined) return a;
  return {
    evaluations: a.evaluations + b.evaluations,
    hits: a.hits + b.hits,
    errors: a.errors + b.errors,
    time_us: a.time_us + b.time_us,
  };
}
