/**
 * What can go wrong with a runtime. Stable: `away` (nobody listens on the socket, or it is not there), `silent` (no answer
 * in time), `answer` (not what the API answers), `missing` (it has no such container).
 */
export type RuntimeErrorCode = "away" | "silent" | "answer" | "missing";

export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode;

  constructor(code: RuntimeErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "RuntimeError";
    this.code = code;
  }
}
