/** The middle value; of an even number, the mean of the two in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The value below which a share `p` (0 to 1) of the values lies. NaN of nothing. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
}

/**
 * The median of the ratios of pairs measured side by side, with a 95 % interval by bootstrap over the pairs (2,000 draws,
 * seeded: the same pairs give the same interval).
 */
export function ratioOf(pairs: readonly { with: number; without: number }[]): {
  ratio: number;
  interval: [number, number];
} {
  const ratios = pairs.map((pair) => pair.with / pair.without);
  const draws: number[] = [];
  let seed = 1;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 4_294_967_296;
  };
  for (let i = 0; i < 2000; i++) {
    draws.push(median(ratios.map(() => ratios[Math.floor(random() * ratios.length)] ?? Number.NaN)));
  }
  return { ratio: median(ratios), interval: [percentile(draws, 0.025), percentile(draws, 0.975)] };
}

/** Rounds for a report: four significant digits. */
export function figure(value: number): number {
  return Number(value.toPrecision(4));
}
