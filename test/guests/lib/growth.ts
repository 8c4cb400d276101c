/** By how much a program's way through the verifier may grow before somebody has to look: the limit is a million. */
export const GROWTH = 1.2;
/** Below this many instructions a growth says nothing. */
const SMALL = 5000;
/** What a program that is new may take: a fifth of the limit. The next record has it. */
const NEW = 200_000;

/**
 * What is worse than it was recorded: a program that was taken and is refused, or that has grown; one that is new to the record
 * and is refused, or large.
 * @param now       instructions, or why it was refused
 * @param recorded  the same, of the last record
 */
export function worse(now: Record<string, number | string>, recorded: Record<string, number | string>): string[] {
  const found: string[] = [];
  for (const [program, verdict] of Object.entries(now)) {
    const before = recorded[program];
    if (before === undefined) {
      if (typeof verdict === "string" || verdict > NEW) found.push(`${program} is not in the record: ${verdict}`);
    } else if (typeof verdict === "string" && typeof before === "number")
      found.push(`${program} was taken (${before} instructions) and is refused: ${verdict}`);
    else if (typeof verdict === "number" && typeof before === "number" && verdict > limit(before))
      found.push(`${program} has grown from ${before} to ${verdict} instructions, by more than a fifth`);
  }
  return found;
}

function limit(before: number): number {
  return Math.max(before * GROWTH, SMALL);
}
