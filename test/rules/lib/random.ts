/** Random numbers that are the same for the same seed. */
export interface Random {
  (): number;
  pick<T>(of: readonly T[]): T;
  below(limit: number): number;
  chance(share: number): boolean;
}

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return Object.assign(next, {
    below,
    pick: <T>(of: readonly T[]): T => of[below(of.length)]!,
    chance: (share: number): boolean => next() < share,
  });
}
