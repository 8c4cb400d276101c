import type { ContainerScope } from "../../bus/container-scope.ts";
import { BpfMap } from "../kernel/map.ts";
import type { SharedMaps } from "../kernel/shared-maps.ts";
import { CgroupMarks, memberOf } from "./cgroup-marks.ts";
import type { Cgroup } from "./cgroup-tree.ts";
import {
  type ContainerGroups,
  type ContainerLookup,
  ContainerScopes,
  type MarkedCgroup,
  memberOfContainers,
} from "./container-scopes.ts";
import type { CgroupMark, Lineage, TreeMark } from "./layout.ts";
import { LineageMarks } from "./lineage-marks.ts";
import type { LineageTexts } from "./lineage-texts.ts";
import type { ResolvedScope } from "./scope-resolver.ts";
import type { ScopeSets } from "./scope-sets.ts";
import type { SelectorMaps } from "./selector-maps.ts";
import { TreeMarks } from "./tree-marks.ts";
import type { ProcessLookup } from "./types.ts";

/** What is never matched. */
export interface Exempt {
  cgroups: readonly Cgroup[];
  containers: readonly ContainerScope[];
}

/** Marks that are missing. */
export interface MarksPlan {
  trees: Map<number, TreeMark>;
  cgroups: Map<bigint, CgroupMark>;
  expected: Map<string, Buffer | null>;
  lineages: Map<number, Lineage>;
  size: number;
}

/** Marks of processes and cgroups by which the kernel knows what lies in a scope, comes from an ancestor, or is exempt. */
export class ScopeMarks {
  readonly #maps: SelectorMaps;
  readonly #trees: TreeMarks;
  readonly #cgroups: CgroupMarks;
  readonly #containers: ContainerScopes;
  readonly #lineages: LineageMarks;
  readonly #sets: ScopeSets;
  /** What scopes are in force, for containers that come later. */
  #groups: ContainerGroups = { scopes: new Map(), exempt: [] };
  #outer: MarkedCgroup[] = [];
  #outerSets: string[][] = [];
  #running: MarkedCgroup[] = [];
  #exempt: readonly Cgroup[] = [];
  #outside: Cgroup[] = [];
  #members = new Set<string>();
  /** What the marks were looked through for the last time; undefined when some were written since. */
  #kept: string | undefined;
  /** Sets below this number are known to the tables in force. */
  #knownSets = 0;

  constructor(
    maps: SelectorMaps,
    shared: SharedMaps,
    processes: ProcessLookup,
    containers: ContainerLookup,
    sets: ScopeSets,
    texts: LineageTexts,
  ) {
    this.#maps = maps;
    this.#lineages = new LineageMarks(maps.lineageTexts, maps.lineages, maps.states, processes, texts);
    this.#sets = sets;
    this.#trees = new TreeMarks(maps.trees, maps.states, processes, sets);
    this.#cgroups = new CgroupMarks(maps.cgroups, sets);
    const expected = shared.fd("expected_containers");
    const map = expected === undefined ? undefined : BpfMap.fromFd(expected);
    this.#containers = new ContainerScopes(containers, map, sets);
  }

  /** Why containers have no names here; undefined when they have. */
  get nameless(): string | undefined {
    return this.#containers.nameless;
  }

  /** Whether what is in force has to be looked at again when containers come, go, or get other names. */
  get usesContainers(): boolean {
    return this.#groups.scopes.size + this.#groups.exempt.length > 0;
  }

  /** The member of the tree below the process `execId`; undefined when no such process is known. */
  tree(execId: string): string | undefined {
    return this.#trees.resolve(execId);
  }

  /** These scopes are to be in force. What is exempt is marked at once, before anything can match it. */
  begin(scopes: readonly ResolvedScope[], exempt: Exempt): void {
    const cgroups = new Map<string, Cgroup>();
    const groups = new Map<string, ContainerScope>();
    this.#members = new Set();
    for (const { cgroup, containers, members } of scopes) {
      if (cgroup !== undefined) cgroups.set(memberOf(cgroup), cgroup);
      if (containers !== undefined) groups.set(memberOfContainers(containers), containers);
      for (const member of members.cgroups) this.#members.add(member);
      if (members.tree !== null) this.#members.add(members.tree);
    }
    this.#lineages.tell();
    this.#groups = { scopes: groups, exempt: exempt.containers };
    this.#exempt = exempt.cgroups;
    const running = this.#containers.running(this.#groups);
    this.#running = running.marked;
    this.#outside = [...exempt.cgroups, ...running.exempt];
    this.#cgroups.protect(this.#outside);
    this.#outer = [...cgroups].map(([member, cgroup]) => ({ cgroup, members: [member] }));
    this.#outerSets = this.#cgroups.setsOf(this.#outer);
  }

  /** The marks that are missing. Numbers their sets, which the tables must know before the marks are written. */
  plan(): MarksPlan {
    const trees = this.#trees.plan([...this.#members].filter((member) => member.startsWith("tree:")));
    const cgroups = this.#cgroups.plan([...this.#outer, ...this.#running], this.#outside);
    const expected = this.#containers.plan(this.#groups, this.#outerSets);
    const lineages = this.#lineages.plan();
    const size = trees.size + cgroups.size + expected.size + lineages.size;
    return { trees, cgroups, expected, lineages, size };
  }

  write({ trees, cgroups, expected, lineages }: MarksPlan): void {
    // a container that is made meanwhile is in its scopes before the walk could find it
    this.#containers.write(expected);
    this.#trees.write(trees);
    this.#cgroups.write(cgroups);
    this.#lineages.write(lineages);
    this.#kept = undefined;
  }

  /** Texts of ancestors' binaries have gone: see LineageMarks.forget. */
  forgetLineages(gone: bigint, settle: () => void): void {
    this.#lineages.forget(gone, settle);
  }

  /** The tables know every set that has been numbered. */
  known(): void {
    this.#knownSets = this.#sets.size;
  }

  /** Takes away the marks of scopes that are not in force any more. */
  keep(): void {
    const members = [...this.#members].sort().join("\n");
    if (members === this.#kept) return;
    this.#trees.keep(this.#members);
    this.#cgroups.keep(this.#members);
    this.#kept = members;
  }

  /**
   * Marks the containers that have come meanwhile and tells the kernel of those that are announced. Undefined when they lie
   * in a set that the tables do not know; else whether any cgroup was marked.
   */
  follow(): boolean | undefined {
    const running = this.#containers.running(this.#groups);
    const marks = this.#cgroups.plan([...this.#outer, ...running.marked], [...this.#exempt, ...running.exempt]);
    const expected = this.#containers.plan(this.#groups, this.#outerSets);
    if (this.#sets.size > this.#knownSets) return undefined;
    this.#containers.write(expected);
    this.#cgroups.write(marks);
    this.#kept = undefined;
    return marks.size > 0;
  }

  /** Takes every mark away. */
  close(): void {
    this.#trees.keep(new Set());
    this.#containers.close();
    this.#lineages.close();
    for (const key of this.#maps.cgroups.keys()) this.#maps.cgroups.delete(key);
  }
}
