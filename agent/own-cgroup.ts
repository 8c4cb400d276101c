import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AgentError } from "./errors.ts";

/**
 * Makes sure that this process is in its own cgroup (a path in the v2 hierarchy mounted at `root`) or below it, which
 * enforcement never touches.
 * @throws AgentError `cgroup`
 */
export function enterOwnCgroup(root: string, path: string): void {
  const own = path.startsWith("/") ? path : `/${path}`;
  const now = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
  if (now === own || now?.startsWith(`${own}/`) === true) return;
  try {
    mkdirSync(join(root, own), { recursive: true });
    writeFileSync(join(root, own, "cgroup.procs"), String(process.pid));
  } catch (cause) {
    throw new AgentError("cgroup", `cannot enter cgroup ${join(root, own)}: ${(cause as Error).message}`, cause);
  }
}
