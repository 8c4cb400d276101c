/**
 * Sets of scope members (a marked tree, a marked cgroup) by number. The kernel carries the number; a number never gets
 * another meaning, so that a mark which it inherits while the agent takes it away means no more than it did.
 */
export class ScopeSets {
  readonly #numbers = new Map<string, number>();
  readonly #members: ReadonlySet<string>[] = [new Set()];

  /** The number of a set of members; 0 for the empty one. */
  numberOf(members: Iterable<string>): number {
    const sorted = [...new Set(members)].sort();
    if (sorted.length === 0) return 0;
    const key = sorted.join("\n");
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#members.push(new Set(sorted)) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  /** Every number is below. */
  get size(): number {
    return this.#members.length;
  }

  membersOf(number: number): ReadonlySet<string> {
    return this.#members[number] ?? new Set();
  }

  /** The sets that have been numbered from `first` on. */
  from(first: number): { number: number; members: ReadonlySet<string> }[] {
    return this.#members.slice(first).map((members, index) => ({ number: first + index, members }));
  }

  /** Every set that has one of `members`. */
  with(members: ReadonlySet<string>): { number: number; members: ReadonlySet<string> }[] {
    return this.#members.flatMap((set, number) =>
      [...members].some((member) => set.has(member)) ? [{ number, members: set }] : [],
    );
  }
}
