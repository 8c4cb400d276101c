import { Worker } from "node:worker_threads";
import type { Config } from "../../bus/config/settings.ts";
import { InHand } from "../../bus/in-hand.ts";
import { EngineError, reasonOf } from "../errors.ts";
import type { Strikes } from "../eval/strikes.ts";
import { Tally } from "../eval/tally.ts";
import { IDLE, Watch } from "../eval/watch.ts";
import { Counters } from "./counters.ts";
import type { WorkerReply, WorkerReport, WorkerRequest, WorkerStart } from "./worker-protocol.ts";

export interface ThreadOptions {
  config: Config;
  bundle: Uint8Array;
  units: number;
  disabled: string[];
  alone: number[];
  strikes: Strikes;
  onDisabled: (id: string, reason: string) => void;
  onSurvived: (sequence: number) => void;
  onReport: (report: WorkerReport) => void;
  /** It ended by itself, after it had been ready. */
  onDeath: (thread: EvaluationThread, reason: string) => void;
}

/** Least number of looks within a watchdog's time; each must find the thread in the same place. */
const LOOKS = 5;
/** Longest time between two looks, so that a rule does not take much more memory than it may before one. */
const LOOK_MS = 100;
const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 5000;

/** How often a thread is looked at, so that a rule is stopped in time. */
export function lookEvery(watchdogMs: number): number {
  return Math.min(watchdogMs / LOOKS, LOOK_MS);
}

/** One life of an evaluation thread, seen from the outside. */
export class EvaluationThread {
  readonly inHand = new InHand();
  readonly watch = new Watch();
  readonly counters = new Counters();
  readonly tally: Tally;
  connected = false;
  windows = 0;
  readonly #worker: Worker;
  readonly #options: ThreadOptions;
  readonly #leaving = new Map<number, () => void>();
  readonly #stopped = Promise.withResolvers<void>();
  #next = 0;
  #seen = { count: -1, looks: 0 };
  #ended = false;

  private constructor(options: ThreadOptions) {
    this.#options = options;
    this.tally = new Tally(options.units);
    const { config, bundle, disabled, alone, strikes } = options;
    const workerData: WorkerStart = {
      ...{ config, bundle, disabled, alone },
      watch: this.watch.memory,
      tally: this.tally.memory,
      strikes: strikes.memory,
      counters: this.counters.memory,
      inHand: this.inHand.memory,
    };
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData,
      // Past this V8 may end the whole process instead of the thread; the memory that a rule may take is watched below.
      resourceLimits: { maxOldGenerationSizeMb: config.engine.memory_mb * 4 + 512 },
    });
  }

  /** Resolves when it is ready to read. @throws EngineError `load` when the set cannot be evaluated, `worker` */
  static async start(options: ThreadOptions): Promise<EvaluationThread> {
    const thread = new EvaluationThread(options);
    await thread.#ready();
    return thread;
  }

  /** Resolves when nothing is in work of what is left out; also when it dies. */
  async setPartitions(partitions: readonly number[]): Promise<void> {
    if (this.#ended) return;
    const number = this.#next++;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#leaving.set(number, resolve);
    this.#post({ type: "partitions", number, partitions });
    await promise;
  }

  disable(id: string): void {
    this.#post({ type: "disable", id });
  }

  /** Lets it bring its work to an end, then ends it. */
  async stop(): Promise<void> {
    this.#post({ type: "stop" });
    const limit = setTimeout(this.#stopped.resolve, STOP_LIMIT_MS);
    await this.#stopped.promise;
    clearTimeout(limit);
    await this.terminate();
  }

  async terminate(): Promise<void> {
    this.#end();
    await this.#worker.terminate();
  }

  /**
   * Why it has to be ended now, or null; and for how many milliseconds it has been in one rule. Counts looks, not time: after
   * a pause of the whole process (SIGSTOP, a suspended machine) one look proves nothing.
   */
  async look(): Promise<{ reason: string | null; stuckMs: number }> {
    const { watchdog_ms, memory_mb } = this.#options.config.engine;
    const { unit, count } = this.watch.read();
    if (unit === IDLE || count !== this.#seen.count) {
      this.#seen = { count, looks: 0 };
      return { reason: null, stuckMs: 0 };
    }
    // Answered also by a thread that is busy; not by one that has ended in between.
    const heap = await this.#worker.getHeapStatistics().catch(() => null);
    if (heap !== null && heap.used_heap_size > memory_mb * 1024 * 1024)
      return { reason: `took more than ${memory_mb} MiB of memory`, stuckMs: 0 };
    const stuckMs = ++this.#seen.looks * lookEvery(watchdog_ms);
    const tooLong = stuckMs >= watchdog_ms;
    return { reason: tooLong ? `did not come to an end within ${watchdog_ms} ms` : null, stuckMs };
  }

  #post(request: WorkerRequest): void {
    this.#worker.postMessage(request, []);
  }

  #ready(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = new EngineError("worker", "the evaluation thread does not start");
    const limit = setTimeout(() => void this.terminate().then(() => reject(late)), START_LIMIT_MS);
    let ready = false;
    let death = "it ended";
    this.#worker.on("message", (reply: WorkerReply) => {
      if (reply.type === "ready") {
        ready = true;
        clearTimeout(limit);
        resolve();
      } else if (reply.type === "broken") {
        clearTimeout(limit);
        void this.terminate().then(() => reject(new EngineError("load", reply.reason)));
      } else this.#take(reply);
    });
    this.#worker.on("error", (error) => (death = reasonOf(error)));
    this.#worker.on("exit", () => {
      clearTimeout(limit);
      const byItself = !this.#ended;
      this.#end();
      reject(new EngineError("worker", `the evaluation thread died: ${death}`));
      if (ready && byItself) this.#options.onDeath(this, death);
    });
    return promise;
  }

  #take(reply: WorkerReply): void {
    if (reply.type === "left") {
      this.#leaving.get(reply.number)?.();
      this.#leaving.delete(reply.number);
    }
    if (reply.type === "stopped") this.#stopped.resolve();
    if (reply.type === "survived") this.#options.onSurvived(reply.sequence);
    if (reply.type === "disabled") this.#options.onDisabled(reply.id, reply.reason);
    if (reply.type === "report") {
      [this.connected, this.windows] = [reply.connected, reply.windows];
      this.#options.onReport(reply);
    }
  }

  #end(): void {
    this.#ended = true;
    this.#stopped.resolve();
    for (const left of this.#leaving.values()) left();
    this.#leaving.clear();
  }
}
