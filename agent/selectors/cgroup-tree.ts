import { readdirSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import { SelectorError } from "./errors.ts";

/** A cgroup of the v2 hierarchy. `id` is what the kernel's programs see: the inode of its directory. */
export interface Cgroup {
  id: bigint;
  directory: string;
}

/** The cgroup at `path` below the hierarchy's mount `root`. @throws SelectorError `scope` */
export function cgroupAt(root: string, path: string): Cgroup {
  if (typeof path !== "string" || !path.startsWith("/") || path.split("/").includes(".."))
    throw new SelectorError(
      "scope",
      `scope.cgroup: ${JSON.stringify(path)} is not a path from the hierarchy's root "/"`,
    );
  const directory = join(root, normalize(path));
  try {
    return { id: statSync(directory, { bigint: true }).ino, directory };
  } catch (cause) {
    throw new SelectorError("scope", `scope.cgroup: there is no cgroup ${path} on this node`, { cause });
  }
}

/** A cgroup and all below it, parents before children. */
export function* subtree(cgroup: Cgroup): Generator<Cgroup> {
  yield cgroup;
  for (const name of childrenOf(cgroup.directory)) {
    const directory = join(cgroup.directory, name);
    try {
      yield* subtree({ id: statSync(directory, { bigint: true }).ino, directory });
    } catch {
      // removed meanwhile
    }
  }
}

function childrenOf(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}
