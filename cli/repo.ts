import { realpathSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The tree that Reeve runs from, links resolved. */
export function repoDir(): string {
  return realpathSync(dirname(dirname(fileURLToPath(import.meta.url))));
}
