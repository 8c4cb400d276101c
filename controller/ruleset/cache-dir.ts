import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf } from "../errors.ts";

const NAME = /^reeve-builds-(\d+)-/;

/** What builds keep for the next one: a directory that nobody else can write to, as it holds what will be run. */
export interface CacheDir extends Disposable {
  path: string;
}

/** Makes the directory; those of controllers that were killed are removed. @throws when there is no room for any */
export function openCacheDir(parent = tmpdir()): CacheDir {
  for (const name of readdirSync(parent)) {
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) remove(join(parent, name));
  }
  const path = mkdtempSync(join(parent, `reeve-builds-${process.pid}-`));
  return { path, [Symbol.dispose]: () => remove(path) };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return codeOf(cause) !== "ESRCH";
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // It is another user's.
  }
}
