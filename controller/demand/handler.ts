import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../bus/log.ts";
import { desiredKey } from "../../bus/subjects.ts";
import type { Hook } from "../../bus/types/selector.ts";
import { parseJson, validateDemand } from "../../bus/validate.ts";
import type { Counters } from "../counters.ts";
import type { DesiredWriter } from "../desired/writer.ts";
import { messageOf } from "../errors.ts";
import type { DemandChange } from "../port.ts";
import { DemandBook, type Together } from "./book.ts";
import { entryOf, READERS_ENTRY, RULES_ENTRY, sameEntry } from "./entries.ts";

/** How often it is looked who has not said anything for too long, and whether the entries are still as they should be. */
const LOOK_MS = 1000;

export interface DemandOptions {
  writer: DesiredWriter;
  counters: Counters;
  log: Logger;
  /** Milliseconds that only go on. */
  now: () => number;
  /** Hooks that are to stay attached for others than engines. */
  standby: readonly Hook[];
  onDone: () => void;
}

/**
 * Hands what engines and readers want to the agents. What rules want stays when the last engine goes: one that comes back is
 * to find what has happened meanwhile.
 */
export class DemandHandler {
  readonly #options: DemandOptions;
  readonly #book = new DemandBook();
  #synced = false;
  #wake = (): void => {};
  #changed = false;

  constructor(options: DemandOptions) {
    this.#options = options;
  }

  /** Until `signal`. */
  async run(changes: AsyncIterable<DemandChange | null>, signal: AbortSignal): Promise<void> {
    await Promise.all([this.#follow(changes), this.#write(signal)]);
  }

  async #follow(changes: AsyncIterable<DemandChange | null>): Promise<void> {
    for await (const change of changes) {
      if (change === null) this.#synced = true;
      else this.#take(change);
      this.#changed = true;
      this.#wake();
    }
  }

  #take({ key, data }: DemandChange): void {
    const { counters, log, now } = this.#options;
    try {
      this.#book.change(key, data === null ? null : validateDemand(parseJson(data, "demand")), now());
    } catch (cause) {
      this.#book.change(key, null, now());
      counters.add("demands_refused");
      log.warn({ key }, `what ${key} wants cannot be read: ${messageOf(cause).slice(0, 500)}`);
    }
  }

  async #write(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (!this.#changed) await this.#pause(signal);
      this.#changed = false;
      this.#book.expire(this.#options.now());
      if (!this.#synced || signal.aborted) continue;
      try {
        const rules = this.#book.together("engine");
        if (rules.holders > 0) {
          const standby = [...new Set([...rules.standby, ...this.#options.standby])].sort();
          await this.#put(RULES_ENTRY, { ...rules, standby });
        }
        await this.#put(READERS_ENTRY, this.#book.together("reader"));
      } catch (cause) {
        // the bus is away, or somebody else wrote all the time: the next turn does it
        this.#options.log.debug(`the demand could not be written: ${messageOf(cause)}`);
        await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #put(id: string, together: Together): Promise<void> {
    const { writer, counters, onDone } = this.#options;
    const key = desiredKey(id);
    const next = entryOf(together, Date.now());
    if (sameEntry(writer.live.get(key)?.entry, next)) return;
    if (next === null) await writer.delete(key);
    else await writer.put(key, (present) => (sameEntry(present, next) ? null : next));
    counters.add("demands_written");
    onDone();
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(end, LOOK_MS);
      signal.addEventListener("abort", end);
      this.#wake = end;
    });
  }
}
