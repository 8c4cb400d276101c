/**
 * Spreads partitions over readers, evenly to one. Who reads one goes on with it where that is fair: a partition that moves
 * stands still for a moment.
 */
export function spread(partitions: readonly number[], now: readonly (readonly number[])[]): number[][] {
  const shares = now.map((had) => had.filter((it) => partitions.includes(it)));
  const taken = new Set(shares.flat());
  const free = partitions.filter((it) => !taken.has(it));
  const least = Math.floor(partitions.length / shares.length);
  // So many may have one more than the others.
  let more = partitions.length - least * shares.length;
  for (const share of [...shares].sort((a, b) => b.length - a.length)) {
    const most = least + (more > 0 ? 1 : 0);
    if (share.length > least) more--;
    if (share.length > most) free.push(...share.splice(most));
  }
  for (const partition of free) {
    const fewest = shares.reduce((a, b) => (b.length < a.length ? b : a));
    fewest.push(partition);
  }
  return shares.map((share) => share.sort((a, b) => a - b));
}
