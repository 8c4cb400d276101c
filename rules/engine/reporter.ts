import type { RuleFailure } from "../eval/evaluator.ts";
import type { WorkerReport } from "./worker-protocol.ts";

const REPORT_MS = 500;
const REFUSED_MAX = 20;

/** Collects what a thread has to say of single events and tells it now and then: in a flood, one message for each would cost more than the event. */
export class Reporter {
  readonly #send: (report: WorkerReport) => void;
  #alerted: Record<string, string> = {};
  #errors: Record<string, string> = {};
  #refused: WorkerReport["refused"] = [];
  #last = "";
  #timer: NodeJS.Timeout | null = null;
  #now: () => Pick<WorkerReport, "windows" | "connected"> = () => ({ windows: 0, connected: false });

  constructor(send: (report: WorkerReport) => void) {
    this.#send = send;
  }

  /** @param now what is to be told with each report */
  start(now: () => Pick<WorkerReport, "windows" | "connected">): void {
    this.#now = now;
    this.#timer = setInterval(() => this.#tell(), REPORT_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#tell();
  }

  alerted(rule: string): void {
    this.#alerted[rule] = new Date().toISOString();
  }

  failed({ id, where, reason, event }: RuleFailure): void {
    this.#errors[id] = `${where}: ${reason} (event ${event})`;
  }

  refused(subject: string, reason: string): void {
    this.#refused.unshift({ time: new Date().toISOString(), subject, reason });
    this.#refused.splice(REFUSED_MAX);
  }

  #tell(): void {
    const { windows, connected } = this.#now();
    const state = `${windows} ${connected}`;
    const quiet = [this.#alerted, this.#errors, this.#refused].every((it) => Object.keys(it).length === 0);
    if (quiet && state === this.#last) return;
    this.#last = state;
    this.#send({
      ...{ type: "report", windows, connected },
      ...{ alerted: this.#alerted, errors: this.#errors, refused: this.#refused },
    });
    [this.#alerted, this.#errors, this.#refused] = [{}, {}, []];
  }
}
