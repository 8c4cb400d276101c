import type { BuildMessage } from "../bus/types/controller-status.ts";

/**
 * One thing that is wrong with a rule, list, exception or test: where, what, and what is allowed.
 * `file` is as the user named it, `line` counts from 1; null where it concerns no file or line.
 */
export type RuleProblem = BuildMessage;

/** Everything that is wrong with a set of rules, not the first only. `problems` is never empty. Code `rules_invalid`. */
export class RuleErrors extends Error {
  readonly code = "rules_invalid";
  readonly problems: RuleProblem[];
  readonly warnings: RuleProblem[];

  constructor(problems: RuleProblem[], warnings: RuleProblem[] = []) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "RuleErrors";
    this.problems = problems;
    this.warnings = warnings;
  }
}

/**
 * - `opa_missing`: no `opa` binary can be found or run
 * - `opa_failed`: opa ended in a way that is not an error of the rules
 * - `bundle`: bytes that are not a rule set of this version
 * - `load`: a rule set cannot be made ready for evaluation
 * - `evaluate`: a rule failed on an event
 * - `memory`: a rule needed more memory than the engine gives it
 * - `worker`: the evaluation worker died or does not answer
 */
export type EngineErrorCode = "opa_missing" | "opa_failed" | "bundle" | "load" | "evaluate" | "memory" | "worker";

/** A failure of the rules engine itself. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "EngineError";
    this.code = code;
  }
}

/** `file:line: rule: message (allowed: …)`, for people. */
export function formatProblem(problem: RuleProblem): string {
  const place = problem.file === null ? "" : `${problem.file}${problem.line === null ? "" : `:${problem.line}`}: `;
  const rule = problem.rule === null ? "" : `${problem.rule}: `;
  const allowed = problem.allowed === null ? "" : ` (allowed: ${problem.allowed})`;
  return `${place}${rule}${problem.message}${allowed}`;
}

/** The text of whatever was thrown: libraries here throw Errors, strings and plain objects. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  if (typeof thrown === "string") return thrown;
  const message = (thrown as { message?: unknown } | null)?.message;
  return typeof message === "string" ? message : JSON.stringify(thrown);
}
