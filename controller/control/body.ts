import { ControllerError } from "../errors.ts";
import { Reader } from "../decision/reader.ts";

/** Reads the body of a control request; throws `invalid_request` with all that is wrong with it. */
export function readBody<T>(
  body: unknown,
  keys: readonly string[],
  read: (reader: Reader, object: Record<string, unknown>) => T,
): T {
  const reader = new Reader();
  // No body at all is the same as an empty one.
  const object = reader.object("", body ?? {}, keys);
  const value = object === undefined ? undefined : read(reader, object);
  if (reader.problems.length > 0 || value === undefined) {
    throw new ControllerError("invalid_request", String(reader), { detail: reader.problems });
  }
  return value;
}
