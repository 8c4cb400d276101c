import { statSync } from "node:fs";
import { join, normalize } from "node:path";
import { AgentError } from "./errors.ts";

/**
 * The directory of `agent.cgroup`, below which connects are decided. `value` is a path from the root of the v2 hierarchy, or
 * one with `root`, where that is mounted, in front; empty is the root.
 * @throws AgentError `cgroup`, naming setting and value and saying what is allowed
 */
export function connectCgroup(root: string, value: string): string {
  const whole = normalize(value);
  const inside = whole === root || whole.startsWith(`${root}/`) ? whole.slice(root.length) : whole;
  const directory = join(root, inside);
  if (value.split("/").includes("..") || !isDirectory(directory)) {
    const allowed = `a cgroup that is there, as a path from ${root} on, like /system.slice, or with that in front`;
    throw new AgentError("cgroup", `agent.cgroup: there is no cgroup ${JSON.stringify(value)} (allowed: ${allowed})`);
  }
  return directory;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
