import type { DesiredEntry } from "../../bus/types/desired.ts";
import type { LiveEntry } from "./live.ts";

/**
 * Milliseconds since 1970 at which the lease ends, null for one without end. An entry whose times make no sense ended
 * long ago: it must not stay for ever.
 */
export function leaseEnd(entry: Pick<DesiredEntry, "ttl" | "renewedAt">): number | null {
  if (entry.ttl === "none") return null;
  const end = Date.parse(entry.renewedAt) + entry.ttl;
  return Number.isFinite(end) ? end : 0;
}

/**
 * The entries to remove at `now`, and when to look again (null: never). `margin` milliseconds are left to agents that
 * saw the lease late; they and the kernel end it by themselves, so removing late harms nothing, removing early would.
 */
export function endedLeases(
  entries: readonly LiveEntry[],
  now: number,
  margin: number,
): { ended: LiveEntry[]; next: number | null } {
  const ended: LiveEntry[] = [];
  let next: number | null = null;
  for (const live of entries) {
    const end = leaseEnd(live.entry);
    if (end === null) continue;
    if (end + margin <= now) ended.push(live);
    else next = Math.min(next ?? Infinity, end + margin);
  }
  return { ended, next };
}
