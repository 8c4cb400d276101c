import type { DesiredEntry } from "../../bus/types/desired.ts";
import type { Hook, Selector } from "../../bus/types/selector.ts";
import type { RefusedSelector } from "../../bus/types/status.ts";
import { parseDesiredKey } from "../../bus/subjects.ts";
import type { Told } from "../demand/event-filter.ts";
import type { LeaseBook } from "./leases.ts";

/** A selector in force, with the entry that it comes from and when it ends (ns since boot, null never). */
export interface ActiveSelector {
  entry: string;
  selector: Selector;
  deadline: bigint | null;
}

/** What puts selectors into the kernel: agent/selectors. */
export interface Tables {
  /** `standby` are hooks that are to be attached whether a selector asks for them or not. */
  apply(revision: number, selectors: ActiveSelector[], standby: ReadonlySet<Hook>): { refused: RefusedSelector[] };
  disarm(): void;
}

export interface DesiredOptions {
  node: string;
  tables: Tables;
  leases: LeaseBook;
  /** Ns since boot. */
  now: () => bigint;
  /** Told which events are wanted, before the selectors are put in force that ask for them. */
  onDemand?: (told: Told) => void;
  /** Called after each change of what is in force. */
  onApplied?: () => void;
  onError?: (error: unknown) => void;
}

/** A timer cannot be longer than 2^31 ms. */
const TIMER_MAX_MS = 2_000_000_000;
const DISARM_ID = "disarm";

/**
 * What the bus wants of this node, and its way into the kernel: leases get their deadlines at first sight, what has ended
 * is left out, everything that is left goes to the selector tables at once. Disarmed, nothing is in force.
 */
export class DesiredState {
  readonly #options: DesiredOptions;
  readonly #entries = new Map<string, { entry: DesiredEntry; deadline: bigint | null; selectors: ActiveSelector[] }>();
  readonly #unreadable = new Map<string, string>();
  #revision = 0;
  #applied = 0;
  #ready = false;
  #byHand = false;
  #refused: RefusedSelector[] = [];
  #active: ActiveSelector[] = [];
  #rulesets: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(options: DesiredOptions) {
    this.#options = options;
  }

  /** Sequence of the desired-state stream up to which the kernel does what it says. */
  get appliedRevision(): number {
    return this.#applied;
  }

  /** Digests of the rule sets whose events come through. */
  get rulesets(): readonly string[] {
    return this.#rulesets;
  }

  get refused(): readonly RefusedSelector[] {
    return this.#refused;
  }

  get active(): readonly ActiveSelector[] {
    return this.#active;
  }

  /** True while every selector is kept emptied: by hand (a signal), or by a disarm entry on the bus. */
  get disarmed(): boolean {
    if (this.#byHand) return true;
    for (const { entry } of this.#entries.values()) if (entry.disarm === true) return true;
    return false;
  }

  /**
   * One change of the desired state; null for an entry that is gone. What comes together is applied together. Taking a
   * disarm entry away arms the node again, also when it was disarmed by hand.
   */
  change(key: string, entry: DesiredEntry | null, revision: number, problem?: string): void {
    if (revision > this.#revision) this.#revision = revision;
    this.#unreadable.delete(key);
    if (problem !== undefined) {
      this.#unreadable.set(key, problem);
      this.#entries.delete(key);
    } else if (entry === null) {
      this.#entries.delete(key);
      if (parseDesiredKey(key)?.id === DISARM_ID) this.#byHand = false;
    } else {
      const deadline = this.#options.leases.deadline(key, entry, this.#options.now());
      // the same objects as long as the entry is the same: the tables see by that that nothing has changed
      const selectors = entry.selectors
        .filter((selector) => this.#isHere(selector))
        .map((selector) => ({ entry: key, selector, deadline }));
      this.#entries.set(key, { entry, deadline, selectors });
    }
    if (this.#ready) this.#schedule();
  }

  /** All entries that were there have been told: from now on each change is applied. `keys` are all that exist. */
  ready(): void {
    this.#ready = true;
    this.#schedule();
  }

  /** A new watch begins: entries deleted meanwhile will not be told, so `ready` keeps only what was told since. */
  restart(): void {
    this.#ready = false;
    this.#entries.clear();
    this.#unreadable.clear();
  }

  /** Empties every selector at once and keeps them so until the node is armed again; needs no bus. */
  disarm(): void {
    this.#byHand = true;
    this.#options.tables.disarm();
    this.#active = [];
    this.#options.onApplied?.();
  }

  /** Applies what is in force now. */
  apply(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#closed) return;
    const { tables, leases, now } = this.#options;
    leases.keep(new Set(this.#entries.keys()));
    leases.save();
    const refused = [...this.#unreadable].map(([entry, reason]) => ({ selector: "", entry, reason }));
    const told = this.#told();
    this.#options.onDemand?.(told);
    if (this.disarmed) {
      tables.disarm();
      this.#active = [];
      this.#refused = refused;
    } else {
      const time = now();
      const active = this.#inForce(time);
      this.#refused = [...refused, ...tables.apply(this.#revision, active, told.standby).refused];
      this.#active = active;
      this.#wakeAtNextEnd(time);
    }
    this.#rulesets = [...new Set(told.demands.flatMap(({ rulesets }) => rulesets))].sort();
    this.#applied = this.#revision;
    this.#options.onApplied?.();
  }

  close(): void {
    this.#closed = true;
    clearImmediate(this.#scheduled);
    clearTimeout(this.#timer);
  }

  #inForce(now: bigint): ActiveSelector[] {
    const active: ActiveSelector[] = [];
    for (const { deadline, selectors } of this.#entries.values())
      if (deadline === null || deadline > now) active.push(...selectors);
    return active;
  }

  /** A demand has no end: who wants nothing any more takes it back. */
  #told(): Told & { standby: ReadonlySet<Hook> } {
    const entries = [...this.#entries.values()].map(({ entry }) => entry);
    const demands = entries.flatMap(({ demand }) => demand ?? []);
    const others = entries.filter(({ demand }) => demand === undefined).flatMap(({ selectors }) => selectors);
    return {
      demands,
      others: new Set(others.filter(({ action }) => action === "post").map(({ hook }) => hook)),
      standby: new Set(demands.flatMap(({ standby }) => standby)),
    };
  }

  #isHere(selector: Selector): boolean {
    const nodes = selector.scope.nodes;
    return nodes === undefined || nodes.some((node) => node === "*" || node === this.#options.node);
  }

  /** The kernel itself ignores what has ended; this only takes it out of the tables and of the status. */
  #wakeAtNextEnd(now: bigint): void {
    clearTimeout(this.#timer);
    let next: bigint | null = null;
    for (const { deadline } of this.#entries.values())
      if (deadline !== null && deadline > now && (next === null || deadline < next)) next = deadline;
    if (next === null) return;
    const ms = Math.min(Number((next - now) / 1_000_000n) + 2, TIMER_MAX_MS);
    this.#timer = setTimeout(() => this.#tryApply(), ms);
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => this.#tryApply());
  }

  #tryApply(): void {
    try {
      this.apply();
    } catch (error) {
      this.#options.onError?.(error);
    }
  }
}
