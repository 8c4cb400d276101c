import { join } from "node:path";
import { type ContainerNames, type ContainerScope, isInContainerScope } from "../../bus/container-scope.ts";
import { containerCgroups } from "../containers/cgroup-scan.ts";
import type { BpfMap } from "../kernel/map.ts";
import type { Cgroup } from "./cgroup-tree.ts";
import { encodeCgroupMark, encodeExpected } from "./layout.ts";
import type { ScopeSets } from "./scope-sets.ts";

/** A container as scopes see it. */
export interface ScopedContainer {
  names: ContainerNames;
  /** Its own, those that are there now; none while it does not run. */
  cgroups: Cgroup[];
}

/** The containers of this node, those too that are known and do not run. */
export interface ContainerLookup {
  /** Why containers have no names here; undefined when they have. */
  readonly nameless: string | undefined;
  all(): Iterable<ScopedContainer>;
}

/** The members of sets that a cgroup and all below it have. */
export interface MarkedCgroup {
  cgroup: Cgroup;
  members: readonly string[];
}

/** What scopes of containers are in use: by the member of sets that stands for each, and those that are exempt. */
export interface ContainerGroups {
  scopes: ReadonlyMap<string, ContainerScope>;
  exempt: readonly ContainerScope[];
}

/** Above that, a container's cgroup is marked by the agent only, when it appears: see map expected_containers. */
const EXPECTED_MAX = 60_000;

/** The member that stands for all containers which a scope means: the same for the same scope. */
export function memberOfContainers(scope: ContainerScope): string {
  const { id, name, image, labels } = scope.container ?? {};
  const sorted = labels && Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `containers:${JSON.stringify([id, name, image, sorted, scope.service])}`;
}

/**
 * Finds the containers that scopes mean: those that run, to be marked, and those that do not run yet, of which the kernel
 * is told, so that their cgroup is marked when it is made.
 */
export class ContainerScopes {
  readonly #lookup: ContainerLookup;
  readonly #map: BpfMap | undefined;
  readonly #sets: ScopeSets;
  #written = new Map<string, Buffer>();

  /** `map` is expected_containers; undefined where the kernel does not take its program. */
  constructor(lookup: ContainerLookup, map: BpfMap | undefined, sets: ScopeSets) {
    this.#lookup = lookup;
    this.#map = map;
    this.#sets = sets;
  }

  get nameless(): string | undefined {
    return this.#lookup.nameless;
  }

  /** The running containers with their members, none for those that no scope means; and those that are exempt. */
  running(groups: ContainerGroups): { marked: MarkedCgroup[]; exempt: Cgroup[] } {
    const marked: MarkedCgroup[] = [];
    const exempt: Cgroup[] = [];
    if (isEmpty(groups)) return { marked, exempt };
    for (const { names, cgroups } of this.#lookup.all()) {
      const members = membersOf(names, groups);
      const isExempt = groups.exempt.some((scope) => isInContainerScope(scope, names));
      for (const cgroup of cgroups) {
        marked.push({ cgroup, members });
        if (isExempt) exempt.push(cgroup);
      }
    }
    return { marked, exempt };
  }

  /**
   * What the kernel has to be told of containers, null for what it has to forget. `outer` are the members that cgroups
   * have in which a container may be made. Numbers the sets: see TreeMarks.plan.
   */
  plan(groups: ContainerGroups, outer: Iterable<readonly string[]>): Map<string, Buffer | null> {
    const wanted = new Map<string, Buffer>();
    if (this.#map !== undefined && !isEmpty(groups)) {
      const parents = [[], ...outer].map((members) => ({ members, set: this.#sets.numberOf(members) }));
      // the set of a container that comes later must not be a new one: see SelectorTables.followContainers
      for (const parent of parents)
        for (const member of groups.scopes.keys()) this.#sets.numberOf([...parent.members, member]);
      for (const { names } of this.#lookup.all()) {
        const members = membersOf(names, groups);
        const exempt = groups.exempt.some((scope) => isInContainerScope(scope, names));
        if (members.length === 0 && !exempt) continue;
        if (wanted.size + parents.length > EXPECTED_MAX) break;
        for (const parent of parents) {
          const set = this.#sets.numberOf([...parent.members, ...members]);
          wanted.set(encodeExpected(names.id, parent.set).toString("latin1"), encodeCgroupMark({ set, exempt }));
        }
      }
    }
    const plan = new Map<string, Buffer | null>();
    for (const [key, value] of wanted) if (this.#written.get(key)?.equals(value) !== true) plan.set(key, value);
    for (const key of this.#written.keys()) if (!wanted.has(key)) plan.set(key, null);
    return plan;
  }

  write(plan: ReadonlyMap<string, Buffer | null>): void {
    for (const [key, value] of plan) {
      if (value === null) {
        this.#map?.delete(Buffer.from(key, "latin1"));
        this.#written.delete(key);
      } else {
        this.#map?.update(Buffer.from(key, "latin1"), value);
        this.#written.set(key, value);
      }
    }
  }

  close(): void {
    this.write(this.plan({ scopes: new Map(), exempt: [] }, []));
    this.#map?.close();
  }
}

/** The containers by their cgroups alone: nobody says who they are. */
export function namelessContainers(cgroupRoot: string): ContainerLookup {
  return {
    nameless: "no container runtime is asked here",
    *all() {
      const found = new Map<string, ScopedContainer>();
      for (const { id, path, container } of containerCgroups(cgroupRoot)) {
        const names = { id: container, name: null, image: null, labels: {}, service: null };
        const one: ScopedContainer = found.get(container) ?? { names, cgroups: [] };
        one.cgroups.push({ id: BigInt(id), directory: join(cgroupRoot, path) });
        found.set(container, one);
      }
      yield* found.values();
    },
  };
}

function membersOf(names: ContainerNames, { scopes }: ContainerGroups): string[] {
  return [...scopes].flatMap(([member, scope]) => (isInContainerScope(scope, names) ? [member] : []));
}

function isEmpty({ scopes, exempt }: ContainerGroups): boolean {
  return scopes.size === 0 && exempt.length === 0;
}
