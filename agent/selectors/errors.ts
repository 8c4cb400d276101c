/**
 * What can be wrong with a selector, or with what carries it. Stable.
 *
 * - `field`, `operator`, `value`, `action`, `mode`, `rate`, `priority`: that part of the selector
 * - `hook`: unknown here, or without the ability that the selector asks for
 * - `scope`: cannot be resolved on this node, or not yet a kind of scope that this agent takes
 * - `limit`: more selectors or scopes than the tables hold
 * - `duplicate`: the entry has the id twice
 * - `collision`: two texts with one hash under this key; another key is taken
 * - `tables`: the kernel did not take the tables
 */
export type SelectorErrorCode =
  | "field"
  | "operator"
  | "value"
  | "action"
  | "mode"
  | "rate"
  | "priority"
  | "hook"
  | "scope"
  | "limit"
  | "duplicate"
  | "collision"
  | "tables";

/** A selector that is refused: the message names the part, what was wrong, and what is allowed. */
export class SelectorError extends Error {
  readonly code: SelectorErrorCode;

  constructor(code: SelectorErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "SelectorError";
    this.code = code;
  }
}
