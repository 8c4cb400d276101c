/** Every error that the controller raises on purpose. `code` is stable; `detail` is data for whoever asked. */
export class ControllerError extends Error {
  readonly code: string;
  readonly detail: unknown;

  constructor(code: string, message: string, options: { cause?: unknown; detail?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ControllerError";
    this.code = code;
    this.detail = options.detail;
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The stable code of anything thrown, "" when it has none. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return String(error.code);
}
