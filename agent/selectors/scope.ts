import type { Scope } from "../../bus/types/selector.ts";
import { type Cgroup, cgroupAt, cgroupOfContainer } from "./cgroup-tree.ts";
import { SelectorError } from "./errors.ts";

const LATER = ["service", "pod"] as const;
const LATER_CONTAINER = ["name", "image", "labels"] as const;

/**
 * The cgroups that a scope asks for, all of them; none for the whole host (`host: true` and `cgroup: "/"` say so in so
 * many words). @throws SelectorError `scope`
 */
export function cgroupsOf(scope: Scope, cgroupRoot: string): Cgroup[] {
  const allowed = "allowed here: host, cgroup, container.id, tree";
  for (const part of LATER)
    if (scope[part] !== undefined)
      throw new SelectorError("scope", `scope.${part}: this agent does not resolve it yet; ${allowed}`);
  for (const part of LATER_CONTAINER)
    if (scope.container?.[part] !== undefined)
      throw new SelectorError("scope", `scope.container.${part}: this agent does not resolve it yet; ${allowed}`);
  const cgroups: Cgroup[] = [];
  if (scope.cgroup !== undefined && scope.cgroup !== "/") cgroups.push(cgroupAt(cgroupRoot, scope.cgroup));
  if (scope.container !== undefined) {
    if (scope.container.id === undefined)
      throw new SelectorError("scope", `scope.container: names no container; ${allowed}`);
    cgroups.push(cgroupOfContainer(cgroupRoot, scope.container.id));
  }
  return cgroups;
}
