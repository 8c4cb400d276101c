import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../bus/log.ts";
import type { Counters } from "../counters.ts";
import { messageOf } from "../errors.ts";
import { endedLeases, leaseEnd } from "./leases.ts";
import type { DesiredWriter } from "./writer.ts";

export interface ExpiryOptions {
  writer: DesiredWriter;
  counters: Counters;
  log: Logger;
  /** Milliseconds that an ended lease stays: agents may have seen it that much later. */
  margin: number;
  now: () => number;
  onDone: () => void;
}

/** At most this long between two looks: entries come and go meanwhile, and clocks are set. */
const LONGEST_PAUSE = 1_000;

/** Removes ended leases until `signal`. */
export async function expireLeases(options: ExpiryOptions, signal: AbortSignal): Promise<void> {
  const { writer, margin, now } = options;
  while (!signal.aborted) {
    const { ended, next } = endedLeases(writer.live.entries(), now(), margin);
    for (const { key } of ended) {
      try {
        // Renewed in between: then it is no longer ended, and stays.
        if (await writer.delete(key, (entry) => hasEnded(leaseEnd(entry), now() - margin))) {
          options.counters.add("leases_ended");
        }
      } catch (cause) {
        options.log.warn({ key }, `an ended lease could not be removed: ${messageOf(cause)}`);
      }
    }
    if (ended.length > 0) options.onDone();
    const pause = Math.max(20, Math.min(LONGEST_PAUSE, next === null ? LONGEST_PAUSE : next - now()));
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

function hasEnded(end: number | null, now: number): boolean {
  return end !== null && end <= now;
}
