import { connectCgroup } from "../../agent/connect-cgroup.ts";
import { missing, ok } from "./check.ts";
import type { Check } from "./check.ts";

/** A line for `agent.cgroup` where it is set: the agent does not start with one that is not there. `root`: where v2 is. */
export function connectCgroupCheck(root: string | undefined, value: string): Check[] {
  if (value === "" || root === undefined) return [];
  try {
    return [ok("agent.cgroup", `connects are decided below ${connectCgroup(root, value)}`)];
  } catch (error) {
    return [missing("agent.cgroup", (error as Error).message, "mend it: reeve config says where it is set")];
  }
}
