import type { ContainerScope } from "../../bus/container-scope.ts";
import { containerPartOf } from "../../bus/container-scope.ts";
import type { Scope } from "../../bus/types/selector.ts";
import { type Cgroup, cgroupAt } from "./cgroup-tree.ts";
import { SelectorError } from "./errors.ts";
import { cgroupScopeOf } from "./scope.ts";
import type { Exempt } from "./scope-marks.ts";

/**
 * What is never matched, as far as it can be found now.
 * @param ownCgroup  Reeve's own cgroup, a path in the hierarchy
 */
export function findExempt(
  scopes: readonly Scope[],
  ownCgroup: string,
  cgroupRoot: string,
  nameless: string | undefined,
): Exempt & { unresolved: string[] } {
  const cgroups: Cgroup[] = [];
  const containers: ContainerScope[] = [];
  const unresolved: string[] = [];
  const take = (find: () => void, what: string) => {
    try {
      find();
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      unresolved.push(`${what}: ${error.message}`);
    }
  };
  take(() => cgroups.push(cgroupAt(cgroupRoot, ownCgroup)), "own cgroup");
  for (const scope of scopes)
    take(() => {
      const { cgroup, containers: meant } = cgroupScopeOf(scope, cgroupRoot, nameless);
      if (cgroup !== undefined) cgroups.push(cgroup);
      if (meant !== undefined) containers.push(meant);
    }, "exempt.scopes");
  return { cgroups, containers, unresolved };
}

/**
 * Either of the two: both would be ANDed, and one of them is all that a mark can say.
 * @throws SelectorError `scope`
 */
export function checkExempt(scope: Scope): void {
  const containers = containerPartOf(scope) !== undefined;
  const cgroup = scope.cgroup !== undefined && scope.cgroup !== "/";
  if (containers !== cgroup && scope.tree === undefined && scope.pod === undefined) return;
  const allowed = `allowed: {"cgroup": "/…"} other than the root, or {"container": {…}} and {"service": "…"}`;
  throw new SelectorError("scope", `exempt.scopes: ${JSON.stringify(scope)} is not possible; ${allowed}`);
}
