import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AgentError } from "./errors.ts";
import { containerIdOf } from "./process/container.ts";

/** Reeve's own cgroup, which enforcement never touches. */
export interface OwnCgroup {
  /** Removes it when nothing is in it any more; what `reeve up` made is its own to remove. */
  leave(): void;
}

/**
 * Makes sure that this process is in its own cgroup (a path in the v2 hierarchy mounted at `root`) or below it. An agent in
 * a container stays in the container's, and only sees to it that the other one is there: Reeve's other containers have it
 * as their parent.
 * @throws AgentError `cgroup`
 */
export function enterOwnCgroup(root: string, path: string): OwnCgroup {
  const own = path.startsWith("/") ? path : `/${path}`;
  const now = currentCgroup();
  if (now === own || now?.startsWith(`${own}/`) === true) return { leave() {} };
  const contained = containerCgroup() !== null;
  try {
    mkdirSync(join(root, own), { recursive: true });
    if (!contained) writeFileSync(join(root, own, "cgroup.procs"), String(process.pid));
  } catch (cause) {
    throw new AgentError("cgroup", `cannot enter cgroup ${join(root, own)}: ${(cause as Error).message}`, cause);
  }
  return { leave: () => (contained ? removeEmpty(own) : undefined) };
}

/** The cgroup of the container that this process runs in, or null. */
export function containerCgroup(): string | null {
  const now = currentCgroup();
  return now !== undefined && containerIdOf(now) !== null ? now : null;
}

function currentCgroup(): string | undefined {
  return /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
}

/** From every hierarchy: the runtime makes the parent of its containers in each and leaves it there. */
function removeEmpty(path: string): void {
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
    const [, at, type] = line.split(" ");
    if (at === undefined || (type !== "cgroup" && type !== "cgroup2")) continue;
    try {
      rmdirSync(join(at, path));
    } catch {
      // Not there, or somebody is still in it.
    }
  }
}
