/** One thing that is wrong with an input: the field's path, what was wrong, what is allowed. */
export interface Problem {
  field: string;
  message: string;
  allowed: string;
}

/** A value that was read, or everything that is wrong with it. */
export type Read<T> = { ok: true; value: T } | { ok: false; problems: Problem[] };

/** `scope.nodes: is empty (allowed: ...)`, one after the other. */
export function describeProblems(problems: readonly Problem[]): string {
  return problems.map((problem) => `${problem.field} ${problem.message} (allowed: ${problem.allowed})`).join("; ");
}

/** A value as it may stand in a message: short, and never more than one line. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** The candidate that differs from `word` in at most two letters, for "did you mean". */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = 3;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? a.length;
}
