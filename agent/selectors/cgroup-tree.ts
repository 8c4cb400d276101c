import { readdirSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import { SelectorError } from "./errors.ts";

const CONTAINER_ID = /^[0-9a-f]{12,64}$/;
/** docker, containerd, cri-o, podman, by systemd or cgroupfs; not the monitor process beside a container. */
const CONTAINER_NAME = /^(?:(?:docker|cri-containerd|crio|libpod|nerdctl)-)?([0-9a-f]{64})(?:\.scope)?$/;

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

/** The cgroup of the container whose id begins with `id` (12 digits at least). @throws SelectorError `scope` */
export function cgroupOfContainer(root: string, id: string): Cgroup {
  if (typeof id !== "string" || !CONTAINER_ID.test(id))
    throw new SelectorError("scope", `scope.container.id: ${JSON.stringify(id)} is not 12 to 64 hexadecimal digits`);
  const found = new Map<string, Cgroup>();
  const walk = (directory: string) => {
    for (const name of childrenOf(directory)) {
      const child = join(directory, name);
      const container = CONTAINER_NAME.exec(name)?.[1];
      if (container === undefined || !container.startsWith(id)) walk(child);
      else if (!found.has(container))
        found.set(container, { id: statSync(child, { bigint: true }).ino, directory: child });
    }
  };
  walk(root);
  if (found.size === 0) throw new SelectorError("scope", `scope.container.id: no container ${id} runs on this node`);
  if (found.size > 1)
    throw new SelectorError(
      "scope",
      `scope.container.id: ${id} begins ${found.size} ids: ${[...found.keys()].join(", ")}`,
    );
  return [...found.values()][0]!;
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
