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
