import { createHash } from "node:crypto";
import type { BusConnection } from "./connection.ts";
import { getLast } from "./direct.ts";
import { BusError } from "./errors.ts";
import { store } from "./jetstream.ts";
import { STREAMS } from "./subjects.ts";
import type { DesiredEntry } from "./types/desired.ts";
import { parseJson, validateDesiredEntry } from "./validate.ts";

/** Entries over this many bytes lie in pieces in REEVE_LARGE; the key then only says where. */
export const LARGE = 512 * 1024;
const PIECE = 256 * 1024;

/** What stands under the key of a large entry. */
interface Reference {
  ref: { digest: string; size: number; pieces: number };
}

/** Subject of the pieces of a large entry: `reeve.large.all.<digest>` or `reeve.large.node.<node>.<digest>`. */
function piecesSubject(key: string, digest: string): string {
  const scope = key.split(".").slice(0, -1).join(".");
  return `reeve.large.${scope}.${digest}`;
}

/** Bytes to put under a key; stores the pieces of a large entry before. */
export async function encodeDesired(bus: BusConnection, key: string, entry: DesiredEntry): Promise<Uint8Array> {
  const bytes = Buffer.from(JSON.stringify(entry));
  if (bytes.length <= LARGE) return bytes;
  const digest = createHash("sha256").update(bytes).digest("hex");
  const pieces = Math.ceil(bytes.length / PIECE);
  for (let i = 0; i < pieces; i++) {
    await store(bus, `${piecesSubject(key, digest)}.${i}`, bytes.subarray(i * PIECE, (i + 1) * PIECE));
  }
  const reference: Reference = { ref: { digest, size: bytes.length, pieces } };
  return Buffer.from(JSON.stringify(reference));
}

/** The entry behind what stands under a key. @throws {BusError} `invalid`, `not_found`, `corrupt` */
export async function decodeDesired(bus: BusConnection, key: string, data: Uint8Array): Promise<DesiredEntry> {
  const value = parseJson(data, "desired entry");
  if (typeof value !== "object" || value === null || !("ref" in value)) return validateDesiredEntry(value);
  const { digest, pieces } = (value as Reference).ref;
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest) || !Number.isInteger(pieces) || pieces > 4096) {
    throw new BusError("invalid", "bad desired entry: ref must have digest, size and pieces");
  }
  const parts: Uint8Array[] = [];
  for (let i = 0; i < pieces; i++) {
    const piece = await getLast(bus, STREAMS.large, `${piecesSubject(key, digest)}.${i}`);
    if (piece === null) throw new BusError("not_found", `piece ${i} of the entry ${key} is gone`);
    parts.push(piece.data);
  }
  const bytes = Buffer.concat(parts);
  if (createHash("sha256").update(bytes).digest("hex") !== digest) {
    throw new BusError("corrupt", `the pieces of the entry ${key} are not what its digest says`);
  }
  return validateDesiredEntry(parseJson(bytes, "desired entry"));
}

/** Filter of the pieces that a value under a key refers to, or null. */
export function piecesOf(key: string, data: Uint8Array): string | null {
  try {
    const { ref } = parseJson(data, "desired entry") as Partial<Reference>;
    return ref === undefined ? null : `${piecesSubject(key, ref.digest)}.>`;
  } catch {
    return null;
  }
}
