import { createHash } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runLogged } from "./run-command.mjs";

/**
 * Fetches a release binary, compares its SHA-256 with the checksum file that is published beside it, and puts it at
 * `target`. Throws with the reason; nothing stands at `target` then.
 * @param {import("./tool-list.mjs").Release} release
 * @param {string} target
 * @param {(url: string) => Promise<Buffer>} [get]
 */
export async function fetchRelease(release, target, get = download) {
  const expected = checksumOf((await get(release.checksums)).toString(), release.file);
  if (expected === undefined) throw new Error(`${release.checksums} has no checksum of ${release.file}`);
  const bytes = await get(release.url);
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual !== expected) throw new Error(`${release.url} has SHA-256 ${actual}, published is ${expected}: not used`);
  if (release.member === undefined) {
    writeFileSync(target, bytes);
    return;
  }
  const dir = mkdtempSync(join(dirname(target), "unpack-"));
  try {
    writeFileSync(join(dir, release.file), bytes);
    const args = ["-xzf", join(dir, release.file), "-C", dir, release.member];
    const { status, tail } = await runLogged("tar", args, { log: join(dir, "tar.log") });
    if (status !== 0) throw new Error(`${release.file} cannot be unpacked: ${tail}`);
    renameSync(join(dir, release.member), target);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * The SHA-256 of a file in the lines of `sha256sum` ("<hex>  <name>"), or a lone hash; undefined when it is not there.
 * @param {string} text
 * @param {string} file
 */
export function checksumOf(text, file) {
  for (const line of text.split("\n")) {
    const found = /^([0-9a-f]{64})(?:\s+\*?(\S+))?\s*$/i.exec(line);
    if (found && (found[2] === undefined || found[2] === file)) return found[1]?.toLowerCase();
  }
  return undefined;
}

/** @param {string} url */
async function download(url) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(180_000) });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`${url}: ${cause}`, { cause: error });
  }
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
