import type { WallClock } from "../events/clock.ts";
import type { EventBatcher } from "./batcher.ts";
import type { Gap } from "./losses.ts";

/** Publishes a stretch of missing events as an event of kind `gap`. */
export function publishGap(batcher: EventBatcher, clock: WallClock, gap: Gap): void {
  addGap(batcher, clock, [gap.kind], gap.count, gap.reason, clock.format(gap.from), clock.format(gap.to));
}

/**
 * Says that no agent ran between two of its runs. `from` is what the run before left (RFC 3339), so that what it had
 * read and not sent is in the gap too.
 */
export function publishRestart(batcher: EventBatcher, clock: WallClock, from: string, kinds: string[]): void {
  addGap(batcher, clock, kinds, null, "agent_restart", from, clock.format(clock.now()));
}

function addGap(
  batcher: EventBatcher,
  clock: WallClock,
  kinds: string[],
  count: number | null,
  reason: string,
  from: string,
  to: string,
): void {
  const members = JSON.stringify({ from, to, kinds, count, reason }).slice(1, -1);
  batcher.add("gap", clock.now(), members);
}
