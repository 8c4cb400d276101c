import { Worker } from "node:worker_threads";
import { EngineError, reasonOf } from "../errors.ts";
import type { EventOrigin } from "../eval/event-check.ts";
import type { RuleFailure } from "../eval/evaluator.ts";
import type { MessageResult } from "../eval/message.ts";
import { Strikes } from "../eval/strikes.ts";
import { Tally } from "../eval/tally.ts";
import type { Counts } from "../eval/tally.ts";
import { GROUP, IDLE, Watch } from "../eval/watch.ts";
import { decodeRuleSet } from "../model/rule-set.ts";
import type { RuleSet } from "../model/rule-set.ts";
import type { WorkerReply, WorkerRequest, WorkerStart } from "./worker-protocol.ts";

export interface HostOptions {
  config: { enforce: boolean };
  memoryMb: number;
  /** How long one rule may take for one event. */
  watchdogMs: number;
  /** Ids that are disabled from the start. */
  disabled?: ReadonlyMap<string, string>;
  onFailure?: (failure: RuleFailure) => void;
  /** A rule was stopped and disabled. `cause` is the message that it was evaluating, where that is known. */
  onDisabled?: (id: string, reason: string, cause: EventOrigin | null) => void;
  onRestart?: (reason: string) => void;
}

interface Pending extends WorkerRequest {
  resolve: (result: MessageResult) => void;
  reject: (error: EngineError) => void;
  /** Times that the thread died with this message in it. */
  deaths: number;
}

/** Least number of looks within a watchdog's time; each must find the thread in the same place. */
const LOOKS = 5;
/** Longest time between two looks, so that a rule does not take much more memory than it may before one. */
const LOOK_MS = 100;
/** A message with which the thread died so often, and no rule to blame, is given up. */
const DEATHS_MAX = 4;
const START_LIMIT_MS = 20_000;

/**
 * Evaluates messages with one rule set in a thread of its own, and watches it. A rule that does not come to an end is given
 * a second try, in a new thread and rule by rule, so that a machine that is short of time disables nothing; then it is
 * disabled, and the messages in flight are evaluated again without it. The same for one that takes all the memory; Rego that
 * takes all of its own stops by itself, and is disabled by the thread when it does so again.
 */
export class RuleHost {
  readonly set: RuleSet;
  readonly disabled = new Map<string, { reason: string; time: string }>();
  readonly #bundle: Uint8Array;
  readonly #options: HostOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #strikes: Strikes;
  /** Units that took too long in a message that is still to be evaluated. */
  readonly #suspects = new Set<number>();
  readonly #past: Counts[];
  #worker: Worker | null = null;
  #watch = new Watch();
  #tally: Tally;
  #timer: NodeJS.Timeout | null = null;
  #next = 0;
  #seen = { count: -1, looks: 0 };
  #closed = false;

  private constructor(bundle: Uint8Array, options: HostOptions) {
    this.#bundle = bundle;
    this.#options = options;
    this.set = decodeRuleSet(bundle);
    this.#tally = new Tally(this.#units.length);
    this.#strikes = new Strikes(this.#units.length);
    this.#past = this.#units.map(() => ({ evaluations: 0, hits: 0, errors: 0, time_us: 0 }));
    for (const [id, reason] of options.disabled ?? [])
      this.disabled.set(id, { reason, time: new Date().toISOString() });
  }

  /** @throws EngineError `bundle`, `load` when the set cannot be evaluated */
  static async start(bundle: Uint8Array, options: HostOptions): Promise<RuleHost> {
    const host = new RuleHost(bundle, options);
    try {
      await host.#startWorker();
    } catch (thrown) {
      await host.close();
      throw thrown;
    }
    host.#timer = setInterval(() => void host.#look(), host.#lookMs);
    return host;
  }

  /** @throws EngineError `worker` when the message cannot be evaluated, or the host is closed */
  evaluate(origin: EventOrigin, data: Uint8Array): Promise<MessageResult> {
    if (this.#closed) return Promise.reject(new EngineError("worker", "the evaluation was closed"));
    return new Promise((resolve, reject) => {
      const pending = { number: this.#next++, origin, data, alone: false, resolve, reject, deaths: 0 };
      this.#pending.set(pending.number, pending);
      this.#post(pending);
    });
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /** Counts of each rule and policy, in the order of the set. */
  counts(): { id: string; counts: Counts }[] {
    return this.#units.map(({ id }, unit) => ({ id, counts: add(this.#past[unit]!, this.#tally.read(unit)) }));
  }

  /** Resolves when nothing is in flight any more. */
  async drain(): Promise<void> {
    while (this.#pending.size > 0 && !this.#closed) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
    for (const pending of this.#pending.values())
      pending.reject(new EngineError("worker", "the evaluation was closed"));
    this.#pending.clear();
  }

  get #lookMs(): number {
    return Math.min(this.#options.watchdogMs / LOOKS, LOOK_MS);
  }

  get #units(): { id: string }[] {
    return [...this.set.rules, ...this.set.policies];
  }

  async #startWorker(): Promise<void> {
    this.#watch = new Watch();
    this.#tally = new Tally(this.#units.length);
    this.#seen = { count: -1, looks: 0 };
    const workerData: WorkerStart = {
      bundle: this.#bundle,
      config: this.#options.config,
      memoryMb: this.#options.memoryMb,
      disabled: [...this.disabled.keys()],
      watch: this.#watch.memory,
      tally: this.#tally.memory,
      strikes: this.#strikes.memory,
    };
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData,
      // Past this V8 may end the whole process instead of the thread; the memory that a rule may take is watched below.
      resourceLimits: { maxOldGenerationSizeMb: this.#options.memoryMb * 4 + 512 },
    });
    this.#worker = worker;
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new EngineError("worker", "the evaluation thread does not start")),
        START_LIMIT_MS,
      );
      const end = (error: EngineError | null): void => {
        clearTimeout(limit);
        if (error === null) resolve();
        else reject(error);
      };
      worker.on("message", (reply: WorkerReply) => {
        if (reply.type === "ready") {
          ready = true;
          end(null);
        }
        if (reply.type === "broken") end(new EngineError("load", reply.reason));
        this.#take(worker, reply);
      });
      let ready = false;
      let death = "it ended";
      worker.on("error", (error) => (death = reasonOf(error)));
      worker.on("exit", () => {
        end(new EngineError("worker", `the evaluation thread died: ${death}`));
        if (ready && worker === this.#worker && !this.#closed) void this.#restart(death);
      });
    });
  }

  #take(worker: Worker, reply: WorkerReply): void {
    if (worker !== this.#worker) return; // of a thread that was given up: its messages are evaluated again
    if (reply.type === "failure") this.#options.onFailure?.(reply.failure);
    if (reply.type === "disabled") this.#disable(reply.id, reply.reason);
    if (reply.type !== "result") return;
    const pending = this.#pending.get(reply.number);
    this.#pending.delete(reply.number);
    if (pending !== undefined && pending.deaths > 0) this.#clearSuspects(); // it was only slow
    pending?.resolve(reply.result);
  }

  #post(pending: Pending): void {
    const { number, origin, data, alone } = pending;
    // Not slice(): of a Buffer that is a view, and handing it over would detach what other messages lie in.
    const copy = new Uint8Array(data);
    this.#worker?.postMessage({ number, origin, data: copy, alone } satisfies WorkerRequest, [copy.buffer]);
  }

  /** Counts looks, not time: after a pause of the whole process (SIGSTOP, a suspended machine) one look proves nothing. */
  async #look(): Promise<void> {
    if (this.#worker === null) return;
    const { unit, count } = this.#watch.read();
    if (unit === IDLE || count !== this.#seen.count) {
      this.#seen = { count, looks: 0 };
      return;
    }
    if (await this.#tooLarge(this.#worker)) {
      await this.#restart(`took more than ${this.#options.memoryMb} MiB of memory`);
      return;
    }
    if (++this.#seen.looks * this.#lookMs < this.#options.watchdogMs) return;
    await this.#restart(`did not come to an end within ${this.#options.watchdogMs} ms`);
  }

  /** Whether the thread's heap is past its limit. Answered also by a thread that is busy. */
  async #tooLarge(worker: Worker): Promise<boolean> {
    const heap = await worker.getHeapStatistics().catch(() => null); // it ended in between
    return heap !== null && worker === this.#worker && heap.used_heap_size > this.#options.memoryMb * 1024 * 1024;
  }

  /** The thread is stuck, or died. Finds who is to blame, starts another and gives it what was in flight. */
  async #restart(reason: string): Promise<void> {
    const worker = this.#worker;
    if (worker === null || this.#closed) return;
    this.#worker = null;
    const { unit } = this.#watch.read();
    await worker.terminate();
    for (const [index, past] of this.#past.entries()) this.#past[index] = add(past, this.#tally.read(index));
    this.#blame(unit, reason);
    this.#options.onRestart?.(reason);
    if (this.#closed) return;
    try {
      await this.#startWorker();
    } catch (thrown) {
      const error = new EngineError("worker", `the evaluation thread cannot be started again: ${reasonOf(thrown)}`);
      for (const pending of this.#pending.values()) pending.reject(error);
      this.#pending.clear();
      return;
    }
    for (const pending of this.#pending.values()) this.#post(pending);
  }

  #blame(unit: number, reason: string): void {
    const [first] = this.#pending.values();
    if (first === undefined) return;
    first.alone = true;
    first.deaths++;
    const id = unit === GROUP || unit === IDLE ? undefined : this.#units[unit]?.id;
    if (id !== undefined) {
      this.#suspects.add(unit);
      if (!this.#strikes.add(unit)) return;
      first.deaths = 0;
      this.#disable(id, reason);
    } else if (first.deaths >= DEATHS_MAX) {
      this.#pending.delete(first.number);
      first.reject(
        new EngineError("worker", `the evaluation thread died ${first.deaths} times with this message: ${reason}`),
      );
    }
  }

  /** From here on it is not evaluated any more. Messages are evaluated in their order: the first in flight is the cause. */
  #disable(id: string, reason: string): void {
    const [first] = this.#pending.values();
    this.disabled.set(id, { reason, time: new Date().toISOString() });
    this.#options.onDisabled?.(id, reason, first?.origin ?? null);
  }

  #clearSuspects(): void {
    for (const unit of this.#suspects) this.#strikes.forgive(unit);
    this.#suspects.clear();
  }
}

function add(a: Counts, b: Counts): Counts {
  return {
    evaluations: a.evaluations + b.evaluations,
    hits: a.hits + b.hits,
    errors: a.errors + b.errors,
    time_us: a.time_us + b.time_us,
  };
}
