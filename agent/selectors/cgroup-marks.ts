import type { BpfMap } from "../kernel/map.ts";
import { type Cgroup, subtree } from "./cgroup-tree.ts";
import type { MarkedCgroup } from "./container-scopes.ts";
import { type CgroupMark, decodeCgroupMark, encodeCgroupMark, u64 } from "./layout.ts";
import type { ScopeSets } from "./scope-sets.ts";

const MAX_ROUNDS = 16;

/** The member of the scope of a cgroup and all below it. */
export function memberOf(cgroup: Cgroup): string {
  return `cgroup:${cgroup.id}`;
}

/**
 * Marks of cgroups: the number of the set of scopes that a cgroup lies in, and whether it is exempt. New cgroups inherit
 * in the kernel; those that are there are marked from here, parents first, until a walk finds nothing to do.
 */
export class CgroupMarks {
  readonly #marks: BpfMap;
  readonly #sets: ScopeSets;

  constructor(marks: BpfMap, sets: ScopeSets) {
    this.#marks = marks;
    this.#sets = sets;
  }

  /** Marks what is exempt, before anything can match it; new cgroups below inherit it. */
  protect(exempt: readonly Cgroup[]): void {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const wanted = new Map<bigint, CgroupMark>();
      for (const scope of exempt)
        for (const { id } of subtree(scope)) wanted.set(id, { set: this.#markOf(u64(id))?.set ?? 0, exempt: true });
      if (this.#missing(wanted).size === 0) return;
      this.write(this.#missing(wanted));
    }
  }

  /** The marks that are missing or other ones. Numbers their sets: see TreeMarks.plan. */
  plan(scopes: readonly MarkedCgroup[], exempt: readonly Cgroup[]): Map<bigint, CgroupMark> {
    return this.#missing(this.#wanted(scopes, exempt));
  }

  write(plan: Map<bigint, CgroupMark>): void {
    for (const [id, mark] of plan) this.#marks.update(u64(id), encodeCgroupMark(mark));
  }

  /** Takes marks away that no scope in use needs. What is exempt stays exempt. */
  keep(members: ReadonlySet<string>): void {
    for (const [key, value] of this.#marks.entries()) {
      const { set, exempt } = decodeCgroupMark(value);
      if (exempt || [...this.#sets.membersOf(set)].some((member) => members.has(member))) continue;
      this.#marks.delete(key);
    }
  }

  /** The different sets of members that cgroups of these scopes have. */
  setsOf(scopes: readonly MarkedCgroup[]): string[][] {
    const lists = [...membersBelow(scopes).values()];
    return [...new Map(lists.map((list) => [list.toSorted().join("\n"), list])).values()];
  }

  #wanted(scopes: readonly MarkedCgroup[], exempt: readonly Cgroup[]): Map<bigint, CgroupMark> {
    const members = membersBelow(scopes);
    const wanted = new Map<bigint, CgroupMark>();
    for (const [id, list] of members) wanted.set(id, { set: this.#sets.numberOf(list), exempt: false });
    for (const scope of exempt)
      for (const { id } of subtree(scope)) wanted.set(id, { set: wanted.get(id)?.set ?? 0, exempt: true });
    return wanted;
  }

  #missing(wanted: Map<bigint, CgroupMark>): Map<bigint, CgroupMark> {
    const differs = ([id, mark]: [bigint, CgroupMark]) => {
      const there = this.#marks.lookup(u64(id));
      // no mark is the same as one that says nothing
      if (there === undefined) return mark.set !== 0 || mark.exempt;
      return !encodeCgroupMark(mark).equals(there);
    };
    return new Map([...wanted].filter(differs));
  }

  #markOf(key: Uint8Array): CgroupMark | undefined {
    const there = this.#marks.lookup(key);
    return there && decodeCgroupMark(there);
  }
}

/** Members by cgroup, of all scopes that it lies in. */
function membersBelow(scopes: readonly MarkedCgroup[]): Map<bigint, string[]> {
  const below = new Map<bigint, string[]>();
  for (const { cgroup, members } of scopes)
    for (const { id } of subtree(cgroup)) {
      const list = below.get(id);
      if (list) list.push(...members);
      else below.set(id, [...members]);
    }
  return below;
}
