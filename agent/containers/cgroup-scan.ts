import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { containerIdOf } from "../process/container.ts";

/** The cgroups of containers below a hierarchy's mount, not those below each; paths from the mount. */
export function* containerCgroups(root: string, path = ""): Generator<{ id: number; path: string; container: string }> {
  for (const name of childrenOf(join(root, path))) {
    const child = `${path}/${name}`;
    const container = containerIdOf(child);
    if (container === null) {
      yield* containerCgroups(root, child);
      continue;
    }
    const id = inodeOf(join(root, child));
    if (id !== undefined) yield { id, path: child, container };
  }
}

function childrenOf(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((it) => (it.isDirectory() ? [it.name] : []));
  } catch {
    return []; // removed meanwhile
  }
}

function inodeOf(directory: string): number | undefined {
  try {
    return Number(statSync(directory, { bigint: true }).ino);
  } catch {
    return undefined;
  }
}
