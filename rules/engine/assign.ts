import { createHash } from "node:crypto";

/** An engine that takes part, with the partitions that it may read. */
export interface Candidate {
  id: string;
  partitions: readonly number[];
}

/**
 * Shares the partitions out among engines, the same whoever computes it: each partition goes to the engine that ranks highest
 * for it (rendezvous hashing) among those that have not their share yet, so that an engine that comes or goes moves little.
 * A partition that no engine may read is in nobody's list.
 */
export function assign(count: number, candidates: readonly Candidate[]): Map<string, number[]> {
  const owned = new Map<string, number[]>(candidates.map(({ id }) => [id, []]));
  const most = Math.ceil(count / Math.max(1, candidates.length));
  for (let partition = 0; partition < count; partition++) {
    const able = candidates.filter((it) => it.partitions.includes(partition));
    const free = able.filter((it) => owned.get(it.id)!.length < most);
    // All that may read it have their share: engines that are bound to few partitions leave more for the others.
    const best = highest(partition, free.length > 0 ? free : able);
    if (best !== undefined) owned.get(best.id)!.push(partition);
  }
  return owned;
}

function highest(partition: number, among: readonly Candidate[]): Candidate | undefined {
  const ranked = among.map((it) => ({ it, rank: rank(partition, it.id) }));
  ranked.sort((a, b) => (a.rank < b.rank ? 1 : a.rank > b.rank ? -1 : 0));
  return ranked[0]?.it;
}

function rank(partition: number, id: string): string {
  return createHash("sha256").update(`${partition}/${id}`).digest("hex");
}
