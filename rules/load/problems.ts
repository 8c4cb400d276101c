import type { RuleProblem } from "../errors.ts";

export interface Place {
  file: string;
  line: number | null;
  rule: string | null;
}

/** Collects what is wrong while everything is read on, so that an author sees all of it at once. */
export class Problems {
  readonly errors: RuleProblem[] = [];
  readonly warnings: RuleProblem[] = [];

  error(place: Place, message: string, allowed: string | null = null): void {
    add(this.errors, { ...place, message, allowed });
  }

  warn(place: Place, message: string, allowed: string | null = null): void {
    add(this.warnings, { ...place, message, allowed });
  }

  /** In the order that a reader goes through the files. */
  sort(): void {
    for (const list of [this.errors, this.warnings]) {
      list.sort((a, b) => compare(a.file ?? "", b.file ?? "") || (a.line ?? 0) - (b.line ?? 0));
    }
  }
}

function add(list: RuleProblem[], problem: RuleProblem): void {
  const same = list.some(
    (other) => other.file === problem.file && other.line === problem.line && other.message === problem.message,
  );
  if (!same) list.push(problem);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
