import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FORMAT = 1;
const DIGEST_BYTES = 32;
const KEPT_MAX = 16;

/**
 * What opa made, kept in a directory by the hash of all that it was made from. A directory that cannot be used, and a file
 * that is not as it was written, are as if nothing was kept: a build is slower then, never wrong and never broken.
 */
export class RegoCache {
  readonly #dir: string | null;

  /** `dir` is made when it is missing in a directory that is there; null keeps nothing. */
  constructor(dir: string | null) {
    this.#dir = dir;
  }

  read(kind: string, from: unknown): Buffer | null {
    if (this.#dir === null) return null;
    try {
      const bytes = readFileSync(join(this.#dir, nameOf(kind, from)));
      const content = bytes.subarray(DIGEST_BYTES);
      return sha256(content).equals(bytes.subarray(0, DIGEST_BYTES)) ? content : null;
    } catch {
      return null;
    }
  }

  write(kind: string, from: unknown, content: Uint8Array): void {
    if (this.#dir === null) return;
    const file = join(this.#dir, nameOf(kind, from));
    const temporary = `${file}.${process.pid}.tmp`;
    try {
      if (!existsSync(this.#dir)) mkdirSync(this.#dir, { mode: 0o700 });
      writeFileSync(temporary, Buffer.concat([sha256(content), content]));
      renameSync(temporary, file);
      this.#forgetOld(this.#dir);
    } catch {
      forget(temporary);
    }
  }

  #forgetOld(dir: string): void {
    const files = readdirSync(dir)
      .filter((name) => name.startsWith("rego-"))
      .map((name) => ({ name, age: -statSync(join(dir, name)).mtimeMs }))
      .sort((a, b) => a.age - b.age);
    for (const { name } of files.slice(KEPT_MAX)) forget(join(dir, name));
  }
}

function forget(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Where it cannot be removed, it could not be written either.
  }
}

function nameOf(kind: string, from: unknown): string {
  return `rego-${sha256(JSON.stringify([FORMAT, kind, from])).toString("hex")}`;
}

function sha256(data: string | Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}
