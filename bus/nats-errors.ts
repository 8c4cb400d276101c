import { ErrorCode, NatsError } from "nats";
import { BusError, type BusErrorCode } from "./errors.ts";

const CODES: Record<string, BusErrorCode> = {
  [ErrorCode.Timeout]: "timeout",
  [ErrorCode.NoResponders]: "no_responder",
  [ErrorCode.PermissionsViolation]: "refused",
  [ErrorCode.AuthorizationViolation]: "refused",
  [ErrorCode.AuthenticationExpired]: "refused",
  [ErrorCode.BadAuthentication]: "credentials",
  [ErrorCode.ConnectionRefused]: "not_connected",
  [ErrorCode.ConnectionTimeout]: "not_connected",
  [ErrorCode.Disconnect]: "not_connected",
  [ErrorCode.ConnectionClosed]: "not_connected",
  [ErrorCode.ConnectionDraining]: "closed",
  [ErrorCode.MaxPayloadExceeded]: "invalid",
  [ErrorCode.BadSubject]: "invalid",
};

/** A failure of the client library, with a code of ours. `what` says what was tried. */
export function busErrorOf(cause: unknown, what: string): BusError {
  if (cause instanceof BusError) return cause;
  const known = cause instanceof NatsError ? CODES[cause.code] : undefined;
  const code = known ?? (cause instanceof NatsError ? "server" : "not_connected");
  return new BusError(code, `${what}: ${TEXTS[code] ?? (cause as Error).message}`, { cause });
}

const TEXTS: Partial<Record<BusErrorCode, string>> = {
  timeout: "no answer in time",
  no_responder: "nobody answers there",
  refused: "the bus refuses it to this role",
  not_connected: "the bus cannot be reached",
};

/** Error codes of JetStream's API that have a code of ours. */
const API_CODES: Record<number, BusErrorCode> = {
  10014: "not_found",
  10037: "not_found",
  10059: "not_found",
  10054: "invalid",
  10071: "conflict",
  10164: "conflict",
};

export interface ApiError {
  code: number;
  err_code?: number;
  description?: string;
}

/** An error in a reply of JetStream. */
export function apiErrorOf(error: ApiError, what: string): BusError {
  const code = API_CODES[error.err_code ?? 0] ?? "server";
  return new BusError(code, `${what}: ${error.description ?? `error ${error.code}`}`, { detail: error });
}
