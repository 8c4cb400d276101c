import { constants, gunzipSync, gzipSync } from "node:zlib";
import { BusError } from "./errors.ts";

/** Below it compressing takes longer than sending, storing and reading what it saves. */
const PACKED_FROM = 4096;
/** A message that claims to be longer is none of ours: an agent's is 128 KB and one event at most. */
const UNPACKED_MAX = 16 * 1024 * 1024;
const FAST = { level: constants.Z_BEST_SPEED };

/** The lines of a message as they go on the bus: compressed by gzip where that pays. Memory of its own, never that of `lines`. */
export function packEvents(lines: Uint8Array): Uint8Array {
  return lines.length < PACKED_FROM ? Buffer.copyBytesFrom(lines) : gzipSync(lines, FAST);
}

/** The lines (NDJSON) of an event message. @throws {BusError} `corrupt` where it is compressed and cannot be read */
export function unpackEvents(data: Uint8Array): Uint8Array {
  // no line of JSON begins so
  if (data[0] !== 0x1f || data[1] !== 0x8b) return data;
  try {
    return gunzipSync(data, { maxOutputLength: UNPACKED_MAX });
  } catch (cause) {
    throw new BusError("corrupt", `a message of events cannot be decompressed: ${(cause as Error).message}`, { cause });
  }
}
