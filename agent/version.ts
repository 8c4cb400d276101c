import { readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";

/** Reeve's version. */
export function reeveVersion(): string {
  const file = join(import.meta.dirname, "../package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** The kernel's release, as uname says it. */
export function kernelRelease(): string {
  return release();
}
