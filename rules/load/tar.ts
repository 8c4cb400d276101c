import { gunzipSync } from "node:zlib";

const BLOCK = 512;
/** What a packed bundle may hold at most, unpacked: 256 MB. */
const BYTES_MAX = 256 * 1024 * 1024;
const REGULAR = new Set(["0", "\0"]);

/**
 * The regular files of a tar archive packed with gzip, by their names without a leading `/` or `./`. Links and whatever else
 * is in it are passed over. @throws when the bytes are not one
 */
export function readTarGz(bytes: Uint8Array): Map<string, Buffer> {
  const tar = gunzipSync(bytes, { maxOutputLength: BYTES_MAX });
  const files = new Map<string, Buffer>();
  let longName: string | null = null;
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const size = parseInt(header.toString("latin1", 124, 136), 8);
    if (!Number.isInteger(size) || size < 0 || at + BLOCK + size > tar.length) throw new Error("it is cut off");
    const data = tar.subarray(at + BLOCK, at + BLOCK + size);
    const type = String.fromCharCode(header[156]!);
    // GNU tar and pax put names of more than 100 bytes into an entry of their own.
    if (type === "L") longName = textOf(data, 0, data.length);
    else if (type === "x") longName = /\d+ path=(.*)\n/.exec(data.toString("utf8"))?.[1] ?? null;
    else {
      const prefix = header.toString("latin1", 257, 262) === "ustar" ? textOf(header, 345, 500) : "";
      const short = textOf(header, 0, 100);
      const name = longName ?? (prefix === "" ? short : `${prefix}/${short}`);
      if (REGULAR.has(type)) files.set(name.replace(/^(\.?\/)+/, ""), data);
      longName = null;
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

function textOf(bytes: Buffer, from: number, to: number): string {
  return bytes.toString("utf8", from, to).replace(/\0.*$/s, "");
}
