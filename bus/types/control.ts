/** Reply of a control request: exactly one of the two. */
export type ControlReply<T> = { ok: T } | { error: ControlError };

export interface ControlError {
  code: string;
  message: string;
  detail?: unknown;
}
