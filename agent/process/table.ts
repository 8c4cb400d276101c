import { ProcessEntry, type Image, type Origin } from "./entry.ts";

export interface TableOptions {
  /** Entries to keep at most, as far as that is possible without forgetting a living process. */
  max: number;
  /** How long a process stays known after its exit, in ns. */
  linger?: bigint;
}

/** A process by its key: pid in the initial namespace, start in ns since boot, and the kernel's count of its execs. */
export interface Key {
  tgid: number;
  start: bigint;
  selfExecId: number;
}

const LINGER = 2_000_000_000n;
/** A clock tick of /proc/PID/stat is 10 ms; rounding may cost one more. */
const APPROXIMATE = 20_000_000n;

/**
 * All processes by (pid, start). A process is forgotten only when it is dead and nobody refers to it: a living one, and
 * one that living children come from, stay however full the table is.
 */
export class ProcessTable {
  readonly #max: number;
  readonly #linger: bigint;
  readonly #newest = new Map<number, ProcessEntry>();
  readonly #dead: ProcessEntry[] = [];
  #deadFrom = 0;
  #size = 0;
  #living = 0;
  #compactions = 0;
  #lineage = 0;

  constructor(options: TableOptions) {
    this.#max = options.max;
    this.#linger = options.linger ?? LINGER;
  }

  /** Entries, the dead that are still known included. */
  get size(): number {
    return this.#size;
  }

  get living(): number {
    return this.#living;
  }

  /** How often dead ancestors had to be cut out of living processes' lineage to keep the bound. */
  get compactions(): number {
    return this.#compactions;
  }

  /** Changes whenever what somebody's lineage shows may have changed. */
  get lineageVersion(): number {
    return this.#lineage;
  }

  find(tgid: number, start: bigint): ProcessEntry | undefined {
    for (let entry = this.#newest.get(tgid); entry; entry = entry.older ?? undefined) {
      if (entry.start === start) return entry;
      if (entry.approximate && near(entry.start, start)) {
        entry.start = start;
        entry.approximate = false;
        entry.changed();
        this.#lineage++;
        return entry;
      }
    }
    return undefined;
  }

  /** The process that has this pid now, as far as the table knows. */
  current(tgid: number): ProcessEntry | undefined {
    const entry = this.#newest.get(tgid);
    return entry?.alive ? entry : undefined;
  }

  /** A new process: a copy of `source`. One that the seed has told of already stays as it is. */
  fork(key: Key, parent: Key, source: Key, time: bigint): ProcessEntry {
    const from = this.#known(source);
    const known = this.find(key.tgid, key.start);
    if (known !== undefined) {
      this.#setSource(known, from ?? known.source);
      return known;
    }
    const entry = this.#add(key, from?.image ? "clone" : "unknown", from?.image ?? null, time);
    this.#setSource(entry, from);
    const sameParent = parent.tgid === source.tgid && parent.start === source.start;
    this.#setParent(entry, sameParent ? from : this.#known(parent), parent);
    return entry;
  }

  /** A process runs a new image; `parent` is its real parent at that moment. Makes the process when its fork was lost. */
  exec(key: Key, parent: Key, image: Image, time: bigint): ProcessEntry {
    const entry = this.find(key.tgid, key.start) ?? this.#add(key, "execve", image, time);
    entry.selfExecId = key.selfExecId;
    entry.origin = "execve";
    entry.image = image;
    entry.changed();
    if (entry.refs > 0) this.#lineage++;
    this.#setParent(entry, this.#known(parent), parent);
    if (entry.source === null) this.#setSource(entry, entry.parent);
    return entry;
  }

  /** A process that ran already; does nothing when fork or exec has told of it. */
  seed(key: Key, parent: Key, image: Image, options: { approximate?: boolean } = {}): ProcessEntry {
    const known = this.find(key.tgid, key.start);
    if (known !== undefined) return known;
    const entry = this.#add(key, "seed", image, key.start);
    entry.approximate = options.approximate ?? false;
    const from = this.#known(parent);
    this.#setParent(entry, from, parent);
    this.#setSource(entry, from);
    return entry;
  }

  /** Links processes to parents that were told after them. */
  adoptOrphans(): void {
    for (const entry of this.entries()) {
      if (entry.parentTgid === 0 || (entry.parent !== null && entry.source !== null)) continue;
      const key = { tgid: entry.parentTgid, start: entry.parentStart, selfExecId: entry.parentSelfExecId };
      const parent = this.#known(key);
      if (entry.parent === null) this.#setParent(entry, parent, key);
      if (entry.source === null) this.#setSource(entry, parent);
    }
  }

  /** The last thread of a process went. The entry stays for a while; unknown when nothing was known of it. */
  exit(key: Key, time: bigint): ProcessEntry {
    const entry = this.find(key.tgid, key.start) ?? this.#add(key, "unknown", null, time);
    if (entry.selfExecId === -1) this.#learnSelf(entry, key.selfExecId);
    else if (entry.selfExecId !== key.selfExecId) {
      // its exec was lost: what the table knows is an earlier image
      entry.selfExecId = key.selfExecId;
      entry.origin = "unknown";
      entry.image = null;
      entry.changed();
      if (entry.refs > 0) this.#lineage++;
    }
    this.#kill(entry, time);
    return entry;
  }

  /** The process that a record of something else names; made, with nothing known of it, when its own records were lost. */
  met(key: Key, time: bigint): ProcessEntry {
    return this.#known(key) ?? this.#add(key, "unknown", null, time);
  }

  /** Marks a process dead that is found gone without an exit record. */
  gone(entry: ProcessEntry, time: bigint): void {
    this.#kill(entry, time);
  }

  /** Forgets the dead whose time is over, and more of them when the table is too full. `now` in ns since boot. */
  sweep(now: bigint): void {
    const dead = this.#dead;
    while (this.#deadFrom < dead.length) {
      const entry = dead[this.#deadFrom]!;
      if (this.#size <= this.#max && entry.exitedAt! + this.#linger > now) break;
      this.#deadFrom++;
      entry.lingering = false;
      if (entry.refs === 0) this.#forget(entry);
    }
    if (this.#deadFrom > 1024 || this.#deadFrom === dead.length) {
      dead.splice(0, this.#deadFrom);
      this.#deadFrom = 0;
    }
    if (this.#size > this.#max && this.#size - this.#living > this.#max >> 2) this.#compact();
  }

  *entries(): Generator<ProcessEntry> {
    for (const newest of this.#newest.values())
      for (let entry: ProcessEntry | null = newest; entry !== null; entry = entry.older) yield entry;
  }

  /** All living processes that come from `ancestor` by forks, reparented or not; not itself. */
  *descendants(ancestor: ProcessEntry): Generator<ProcessEntry> {
    const comes = new Map<ProcessEntry, boolean>([[ancestor, true]]);
    const path: ProcessEntry[] = [];
    for (const entry of this.entries()) {
      if (!entry.alive || entry === ancestor) continue;
      let at: ProcessEntry | null = entry;
      while (at !== null && !comes.has(at)) {
        path.push(at);
        at = at.source;
      }
      const answer = at !== null && comes.get(at)!;
      for (const passed of path) comes.set(passed, answer);
      path.length = 0;
      if (answer) yield entry;
    }
  }

  #add(key: Key, origin: Origin, image: Image | null, time: bigint): ProcessEntry {
    const entry = new ProcessEntry(key.tgid, key.start, key.selfExecId, origin, image);
    const older = this.#newest.get(key.tgid) ?? null;
    this.#size++;
    this.#living++;
    if (older !== null && older.start > key.start) {
      // a record of an earlier process with that pid, after the later one was known: it is history
      let after = older;
      while (after.older !== null && after.older.start > key.start) after = after.older;
      entry.older = after.older;
      after.older = entry;
      this.#kill(entry, time);
      return entry;
    }
    entry.older = older;
    this.#newest.set(key.tgid, entry);
    // the pid came again, so whoever had it is dead: its exit was lost
    if (older !== null && older.alive) this.#kill(older, time);
    return entry;
  }

  #known(key: Key): ProcessEntry | null {
    const entry = this.find(key.tgid, key.start);
    if (entry === undefined) return null;
    if (entry.selfExecId === -1) this.#learnSelf(entry, key.selfExecId);
    return entry;
  }

  #learnSelf(entry: ProcessEntry, selfExecId: number): void {
    entry.selfExecId = selfExecId;
    entry.changed();
    this.#lineage++;
  }

  #kill(entry: ProcessEntry, time: bigint): void {
    if (!entry.alive) return;
    entry.exitedAt = time;
    entry.lingering = true;
    this.#living--;
    this.#dead.push(entry);
  }

  /** `key` names the parent's image at this moment, also when the table does not know it. */
  #setParent(entry: ProcessEntry, parent: ProcessEntry | null, key?: Key): void {
    const before = entry.parent;
    if (key !== undefined) {
      entry.parentTgid = key.tgid;
      entry.parentStart = key.start;
      entry.parentSelfExecId = key.selfExecId;
    }
    if (parent === before) return;
    // a parent is always older; anything else is bad data and would make a circle of the lineage
    if (parent !== null && (parent === entry || parent.start > entry.start)) return;
    if (parent !== null) parent.refs++;
    entry.parent = parent;
    if (entry.refs > 0) this.#lineage++;
    if (before !== null) this.#unref(before);
  }

  #setSource(entry: ProcessEntry, source: ProcessEntry | null): void {
    const before = entry.source;
    if (source === before) return;
    if (source !== null && (source === entry || source.start > entry.start)) return;
    if (source !== null) source.refs++;
    entry.source = source;
    if (before !== null) this.#unref(before);
  }

  #unref(entry: ProcessEntry): void {
    entry.refs--;
    if (entry.refs === 0 && !entry.alive && !entry.lingering) this.#forget(entry);
  }

  /** Takes a dead entry that nobody refers to out of the table, and then its ancestors that only it kept. */
  #forget(entry: ProcessEntry): void {
    const todo = [entry];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      this.#unlink(at);
      for (const to of [at.parent, at.source]) {
        if (to === null) continue;
        to.refs--;
        if (to.refs === 0 && !to.alive && !to.lingering) todo.push(to);
      }
      at.parent = null;
      at.source = null;
    }
  }

  #unlink(entry: ProcessEntry): void {
    this.#size--;
    const newest = this.#newest.get(entry.tgid);
    if (newest === entry) {
      if (entry.older === null) this.#newest.delete(entry.tgid);
      else this.#newest.set(entry.tgid, entry.older);
      return;
    }
    for (let at = newest; at; at = at.older ?? undefined) {
      if (at.older === entry) {
        at.older = entry.older;
        return;
      }
    }
  }

  /** Every living process gets its nearest living ancestor as parent and source: chains of the dead go. */
  #compact(): void {
    this.#compactions++;
    this.#lineage++;
    for (const entry of [...this.entries()]) {
      if (!entry.alive) continue;
      this.#setParent(entry, nearestLiving(entry.parent, "parent"));
      this.#setSource(entry, nearestLiving(entry.source, "source"));
    }
  }
}

function nearestLiving(entry: ProcessEntry | null, by: "parent" | "source"): ProcessEntry | null {
  let at = entry;
  while (at !== null && !at.alive) at = at[by];
  return at;
}

export function near(a: bigint, b: bigint): boolean {
  const difference = a - b;
  return difference < APPROXIMATE && difference > -APPROXIMATE;
}
