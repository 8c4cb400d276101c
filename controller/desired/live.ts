import { parseDesiredKey } from "../../bus/subjects.ts";
import type { DesiredEntry } from "../../bus/types/desired.ts";
import type { DesiredChange } from "../port.ts";

export const DISARM_ID = "disarm";

export interface LiveEntry {
  key: string;
  node: string | null;
  id: string;
  entry: DesiredEntry;
  revision: number;
}

/** Who an entry belongs to: "demand" (what rules and readers want), "engine", "decider:<name>" or "person". */
export function ownerOf(entry: DesiredEntry): string {
  if (entry.demand !== undefined) return "demand";
  const because = entry.selectors[0]?.because;
  if (because?.decider !== undefined) return `decider:${because.decider}`;
  return because?.decision === undefined ? "person" : "engine";
}

/** What the desired state is now, as the bucket's changes and our own writes tell it. */
export class LiveState {
  readonly #entries = new Map<string, LiveEntry>();
  readonly #malformed = new Map<string, { reason: string; revision: number }>();
  #revision = 0;

  /** Takes one change. Our own write is known before the bucket tells of it: what is older than that says nothing new. */
  apply(change: DesiredChange): void {
    this.#revision = Math.max(this.#revision, change.revision);
    // A key that is missing after the bus was away is told with the revision that was known.
    const known = this.revisionOf(change.key);
    if (change.revision < known || (change.revision === known && change.entry !== null)) return;
    this.drop(change.key);
    const address = parseDesiredKey(change.key);
    const problem = change.problem ?? (address === null ? "is no key all.<id> or node.<node>.<id>" : null);
    if (problem !== null) this.#malformed.set(change.key, { reason: problem, revision: change.revision });
    else if (address !== null && change.entry !== null) {
      this.#entries.set(change.key, { key: change.key, ...address, entry: change.entry, revision: change.revision });
    }
  }

  /** `key` is gone. */
  drop(key: string): void {
    this.#entries.delete(key);
    this.#malformed.delete(key);
  }

  get(key: string): LiveEntry | undefined {
    return this.#entries.get(key);
  }

  /** Revision to compare with when writing `key`, 0 when it is not there. */
  revisionOf(key: string): number {
    return this.#entries.get(key)?.revision ?? this.#malformed.get(key)?.revision ?? 0;
  }

  /** All entries but those that disarm or say what events are wanted. */
  entries(): LiveEntry[] {
    return [...this.#entries.values()].filter((live) => live.id !== DISARM_ID && live.entry.demand === undefined);
  }

  /** Entries in force of one owner. */
  countOf(owner: string): number {
    let count = 0;
    for (const live of this.#entries.values()) if (live.id !== DISARM_ID && ownerOf(live.entry) === owner) count += 1;
    return count;
  }

  disarms(): LiveEntry[] {
    return [...this.#entries.values()].filter((live) => live.id === DISARM_ID);
  }

  malformed(): { key: string; reason: string }[] {
    return [...this.#malformed].map(([key, { reason }]) => ({ key, reason }));
  }

  /** The newest change that was seen. */
  get revision(): number {
    return this.#revision;
  }
}
