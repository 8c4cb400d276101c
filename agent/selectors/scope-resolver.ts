import type { ContainerScope } from "../../bus/container-scope.ts";
import type { Scope } from "../../bus/types/selector.ts";
import { memberOf } from "./cgroup-marks.ts";
import type { Cgroup } from "./cgroup-tree.ts";
import { memberOfContainers } from "./container-scopes.ts";
import { SelectorError } from "./errors.ts";
import type { ScopeMembers } from "./normalize.ts";
import { cgroupScopeOf } from "./scope.ts";

/** What a selector's scope became on this node. */
export interface ResolvedScope {
  /** The same for scopes that say the same. */
  key: string;
  cgroup: Cgroup | undefined;
  containers: ContainerScope | undefined;
  members: ScopeMembers;
  /** The members in one text. */
  text: string;
  /** Whether a selector in force has it. */
  used: boolean;
}

export interface ScopeWorld {
  cgroupRoot: string;
  /** Why containers have no names here; undefined when they have. */
  nameless: () => string | undefined;
  /** The member that stands for a process tree; undefined when its root is not known. */
  tree: (execId: string) => string | undefined;
}

/** Resolves scopes, each once in a round: what a path or name means may have changed since the last one. */
export class ScopeResolver {
  readonly #world: ScopeWorld;
  readonly #round = new Map<string, ResolvedScope | SelectorError>();

  constructor(world: ScopeWorld) {
    this.#world = world;
  }

  begin(): void {
    this.#round.clear();
  }

  /** `key`: that of an earlier round, when it is known. @throws SelectorError `scope` */
  resolve(scope: Scope, key: string = keyOf(scope)): ResolvedScope {
    let known = this.#round.get(key);
    if (known === undefined) this.#round.set(key, (known = this.#try(scope, key)));
    if (known instanceof SelectorError) throw known;
    return known;
  }

  /** Those of this round that selectors have. */
  used(): ResolvedScope[] {
    return [...this.#round.values()].filter((one) => !(one instanceof SelectorError) && one.used) as ResolvedScope[];
  }

  #try(scope: Scope, key: string): ResolvedScope | SelectorError {
    try {
      return this.#find(scope, key);
    } catch (error) {
      if (error instanceof SelectorError) return error;
      throw error;
    }
  }

  #find(scope: Scope, key: string): ResolvedScope {
    const { cgroupRoot, nameless } = this.#world;
    const { cgroup, containers } = cgroupScopeOf(scope, cgroupRoot, nameless());
    const cgroups = cgroup === undefined ? [] : [memberOf(cgroup)];
    if (containers !== undefined) cgroups.push(memberOfContainers(containers));
    const tree = scope.tree === undefined ? null : this.#treeOf(scope.tree);
    const text = tree === null ? cgroups.join() : `${cgroups.join()} ${tree}`;
    return { key, cgroup, containers, members: { cgroups, tree }, text, used: false };
  }

  #treeOf(execId: unknown): string {
    const tree = typeof execId === "string" ? this.#world.tree(execId) : undefined;
    if (tree !== undefined) return tree;
    throw new SelectorError("scope", `scope.tree: no process ${JSON.stringify(execId)} is known on this node`);
  }
}

function keyOf({ cgroup, container, service, pod, tree }: Scope): string {
  // what most scopes are, without the cost of writing them out
  const plain = container === undefined && service === undefined && pod === undefined && tree === undefined;
  return plain && typeof cgroup === "string" ? cgroup : JSON.stringify([cgroup, container, service, pod, tree]);
}
