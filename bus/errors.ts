/**
 * Codes of the bus. They are stable: programs and tests test them, texts may change.
 *
 * - `invalid`: what was given cannot be sent (bad value, subject, size)
 * - `not_connected`: no server now; the connection goes on trying
 * - `closed`: the connection was closed by its owner
 * - `timeout`: the server or the other side did not answer in time
 * - `no_responder`: nobody serves that subject (no controller, no JetStream)
 * - `refused`: the server's permissions forbid it
 * - `conflict`: somebody else wrote in between (compare-and-set)
 * - `not_found`: no such stream, key, object or message
 * - `full`: a bounded buffer is full
 * - `corrupt`: what was read is not what its digest says
 * - `credentials`: no credentials, or unreadable ones
 * - `remote`: the other side answered with an error
 * - `server`: nats-server or JetStream answered with an error
 * - `start`: nats-server could not be started
 * - `metrics`: the port for metrics cannot be had
 */
export type BusErrorCode =
  | "invalid"
  | "not_connected"
  | "closed"
  | "timeout"
  | "no_responder"
  | "refused"
  | "conflict"
  | "not_found"
  | "full"
  | "corrupt"
  | "credentials"
  | "remote"
  | "server"
  | "start"
  | "metrics";

/** Every failure of the bus. `detail` carries what a program may want to look at (problems of a validation, a remote error). */
export class BusError extends Error {
  readonly code: BusErrorCode;
  readonly detail: unknown;

  constructor(code: BusErrorCode, message: string, options: { cause?: unknown; detail?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "BusError";
    this.code = code;
    this.detail = options.detail;
  }
}
