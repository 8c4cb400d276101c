import { lsmObstacle } from "../../../../agent/kernel/lsm.ts";

/**
 * Whether this kernel lets LSM decide, as those of the guests do: then the agent attaches everything there. Elsewhere execs
 * are killed, connects are denied in a cgroup, and opens are seen when they have happened.
 */
export const LSM = lsmObstacle() === undefined;

export const NO_CGROUP_RUNG = "LSM decides about connects here: nothing is attached to a cgroup";

/** Whether a program was not let run, in the way that this kernel has. */
export function wasDenied({ error, signal }: { error?: NodeJS.ErrnoException; signal: string | null }): boolean {
  return LSM ? error?.code === "EPERM" : signal === "SIGKILL";
}
