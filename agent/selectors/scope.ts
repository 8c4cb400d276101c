import { CONTAINER_ID_FORM, type ContainerScope, containerPartOf, isByIdOnly } from "../../bus/container-scope.ts";
import type { Scope } from "../../bus/types/selector.ts";
import { type Cgroup, cgroupAt } from "./cgroup-tree.ts";
import { SelectorError } from "./errors.ts";

/** A scope as far as it is about cgroups. */
export interface CgroupScope {
  /** Undefined for the whole host (`host: true` and `cgroup: "/"` say so in so many words). */
  cgroup: Cgroup | undefined;
  /** The containers that it means, now and later. */
  containers: ContainerScope | undefined;
}

/**
 * What a scope asks of cgroups and containers, all of it. `nameless` is why containers have no names here, undefined when
 * they have. @throws SelectorError `scope`
 */
export function cgroupScopeOf(scope: Scope, cgroupRoot: string, nameless: string | undefined): CgroupScope {
  if (scope.pod !== undefined)
    throw new SelectorError(
      "scope",
      "scope.pod: this agent does not resolve it yet; allowed here: host, cgroup, container, service, tree",
    );
  const whole = scope.cgroup === undefined || scope.cgroup === "/";
  const containers = containerPartOf(scope);
  if (containers !== undefined) checkContainers(containers, nameless);
  return { cgroup: whole ? undefined : cgroupAt(cgroupRoot, scope.cgroup!), containers };
}

function checkContainers(scope: ContainerScope, nameless: string | undefined): void {
  const { container, service } = scope;
  const { id, name, image, labels } = container ?? {};
  const given = [id, name, image, service].filter((part) => part !== undefined);
  if (given.length === 0 && Object.keys(labels ?? {}).length === 0)
    throw new SelectorError("scope", "scope.container: names no container; allowed: id, name, image, labels");
  if (id !== undefined && !CONTAINER_ID_FORM.test(id))
    throw new SelectorError("scope", `scope.container.id: ${JSON.stringify(id)} is not 12 to 64 hexadecimal digits`);
  if (nameless !== undefined && !isByIdOnly(scope))
    throw new SelectorError(
      "scope",
      `scope.${service === undefined ? "container" : "service"}: ${nameless}; allowed then: container.id, cgroup, tree`,
    );
}
