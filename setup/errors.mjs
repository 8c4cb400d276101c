/**
 * What the set-up could not do. `code` is stable: packages, node_modules, tool, bpf, guests.
 * `help` is the command (or the sentence) that mends it by hand; shown under the message.
 */
export class SetupError extends Error {
  /**
   * @param {"packages" | "node_modules" | "tool" | "bpf" | "guests"} code
   * @param {string} message
   * @param {{ help?: string, cause?: unknown }} [more]
   */
  constructor(code, message, more = {}) {
    super(message, { cause: more.cause });
    this.name = "SetupError";
    this.code = code;
    this.help = more.help;
  }
}
