/**
 * A guest that could not be had or did not come to an end. `code` is stable: "kernel" (not fetched, no such name), "boot"
 * (the command was never reached), "time" (it took longer than allowed), "code" (it ended without an exit code: a panic).
 */
export class GuestError extends Error {
  readonly code: "kernel" | "boot" | "time" | "code";

  constructor(code: GuestError["code"], message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "GuestError";
    this.code = code;
  }
}
