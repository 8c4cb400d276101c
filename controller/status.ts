import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../bus/log.ts";
import type { ControllerStatus, RuleSetStatus } from "../bus/types/controller-status.ts";
import type { Counters } from "./counters.ts";
import { disarmedNodes } from "./control/disarm.ts";
import type { Refusals } from "./decision/refusals.ts";
import type { DesiredWriter } from "./desired/writer.ts";
import { messageOf } from "./errors.ts";

const HEARTBEAT_MS = 10_000;
/** At least this long between two writes: a flood of decisions must not become a flood of statuses. */
const PAUSE_MS = 250;

export interface StatusSources {
  version: string;
  counters: Counters;
  refusals: Refusals;
  writer: DesiredWriter;
  ruleset: () => RuleSetStatus;
  put: (status: ControllerStatus) => Promise<void>;
  log: Logger;
}

/** Publishes what the controller is and did, soon after each change and as a heartbeat. */
export class StatusReporter {
  state: ControllerStatus["state"] = "starting";
  readonly #sources: StatusSources;
  readonly #startedAt = new Date().toISOString();
  #wake: (() => void) | undefined;
  #changed = false;

  constructor(sources: StatusSources) {
    this.#sources = sources;
  }

  changed(): void {
    this.#changed = true;
    this.#wake?.();
  }

  snapshot(): ControllerStatus {
    const { counters, refusals, writer, version } = this.#sources;
    const entries = writer.live.entries();
    return {
      time: new Date().toISOString(),
      started_at: this.#startedAt,
      version,
      state: this.state,
      desired: {
        entries: entries.length,
        leases: entries.filter((live) => live.entry.ttl !== "none").length,
        revision: writer.live.revision,
        disarmed: disarmedNodes(writer),
      },
      counters: counters.toJSON(),
      refused: refusals.last(),
      malformed: writer.live.malformed(),
      ruleset: this.#sources.ruleset(),
    };
  }

  /** Until `signal`; a status that cannot be written is written at the next turn. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#changed = false;
      await this.publish();
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
      if (this.#changed || signal.aborted) continue;
      await this.#waitForChange(signal);
    }
  }

  async publish(): Promise<void> {
    try {
      await this.#sources.put(this.snapshot());
    } catch (cause) {
      this.#sources.log.debug(`status could not be written: ${messageOf(cause)}`);
    }
  }

  async #waitForChange(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, HEARTBEAT_MS);
      signal.addEventListener("abort", end);
      this.#wake = end;
    });
  }
}
