import type { Hook, Scope } from "../../bus/types/selector.ts";
import type { SharedMaps } from "../kernel/shared-maps.ts";
import { Budget, DEFAULT_BUDGET } from "./budget.ts";
import { type ContainerLookup, namelessContainers } from "./container-scopes.ts";
import { CounterNumbers } from "./counter-numbers.ts";
import { SelectorError } from "./errors.ts";
import { hookNumber } from "./hooks/all.ts";
import { checkExempt, findExempt } from "./exempt.ts";
import { type Held, HeldSelectors, type Making, type Plan } from "./held-selectors.ts";
import type { HookTables } from "./hook-tables.ts";
import { type HookChange, Installer } from "./installer.ts";
import { u32 } from "./layout.ts";
import { LineageTexts } from "./lineage-texts.ts";
import { MODE_NUMBER, normalize, type NormalSelector, selectorKey } from "./normalize.ts";
import { ScopeMarks } from "./scope-marks.ts";
import { ScopeResolver } from "./scope-resolver.ts";
import { ScopeSets } from "./scope-sets.ts";
import { closeSelectorMaps, openSelectorMaps, type SelectorMaps } from "./selector-maps.ts";
import type { ActiveSelector, ApplyReport, CountedSelector, Demotion, HookAbility, ProcessLookup } from "./types.ts";

const MAX_ROUNDS = 32;
/** Tables that denial records still on their way may speak of. */
const REMEMBERED_TABLES = 16;
/** enum match_count. */
const COUNT_NAMES = ["broken", "signals_failed", "unknown_process", "untold", "no_memory", "uncached"] as const;

export interface SelectorTablesOptions {
  maps: SharedMaps;
  processes: ProcessLookup;
  /** Without it containers are known by their ids only. */
  containers?: ContainerLookup;
  /** Where the v2 hierarchy is mounted. */
  cgroupRoot: string;
  hooks: readonly HookAbility[];
  /** Boottime ns. */
  now: () => bigint;
  exempt: readonly Scope[];
  /** Reeve's own cgroup, a path in the hierarchy. */
  ownCgroup: string;
  /** Denials a minute after which a selector goes back to mode monitor. */
  budget?: number;
  /** This node's name: selectors for other nodes only are passed over. */
  node?: string;
}

/** The selectors in force in this kernel: compiled, installed, marked, counted. */
export class SelectorTables {
  readonly #options: SelectorTablesOptions;
  readonly #maps: SelectorMaps;
  readonly #sets = new ScopeSets();
  readonly #lineage = new LineageTexts();
  readonly #installer: Installer;
  readonly #marks: ScopeMarks;
  readonly #scopes: ScopeResolver;
  readonly #numbers: CounterNumbers;
  readonly #budget: Budget;
  readonly #held = new HeldSelectors();
  /** Tables, the newest last, with the installations that they were used in. */
  readonly #history: { tables: HookTables; installs: Set<number> }[] = [];
  /** Selectors that went back to monitor, with what they said when they did. */
  readonly #demoted = new Map<string, string>();
  #given: { revision: number; selectors: readonly ActiveSelector[] } = { revision: 0, selectors: [] };
  #armed = true;

  /**
   * Programs must be loaded and attached, and the process table seeded, before. Exempt cgroups are marked at once.
   * @throws SelectorError `tables` (programs not loaded), `scope` (an exempt scope of a kind that cannot be exempt).
   */
  constructor(options: SelectorTablesOptions) {
    const { maps, processes, cgroupRoot, containers = namelessContainers(cgroupRoot) } = options;
    this.#options = options;
    this.#maps = openSelectorMaps(maps);
    this.#installer = new Installer(this.#maps, this.#sets);
    const marks = new ScopeMarks(this.#maps, maps, processes, containers, this.#sets, this.#lineage);
    this.#marks = marks;
    this.#scopes = new ScopeResolver({
      cgroupRoot,
      nameless: () => marks.nameless,
      tree: (execId) => marks.tree(execId),
    });
    this.#numbers = new CounterNumbers(this.#maps.counters);
    this.#budget = new Budget(options.budget ?? DEFAULT_BUDGET);
    for (const scope of options.exempt) checkExempt(scope);
    marks.begin([], this.#exempt());
    marks.write(marks.plan());
  }

  /**
   * Puts all of these in force and nothing else, on every hook at once, also after `disarm`. Selectors that cannot be
   * taken are refused with a reason, the others apply; those whose lease has ended are left out. What is the same object as
   * the last time costs next to nothing.
   * @throws SelectorError `tables` when the kernel does not take the tables: what was in force stays.
   */
  apply(revision: number, selectors: readonly ActiveSelector[]): ApplyReport {
    const began = performance.now();
    this.#given = { revision, selectors };
    this.#armed = true;
    this.#scopes.begin();
    const plan = this.#held.plan(selectors, this.#making());
    const exempt = this.#exempt();
    this.#marks.begin(this.#scopes.used(), exempt);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const marks = this.#marks.plan();
      // tables before marks: they must know each set that a mark may name
      if (round === 0) this.#install(plan);
      else if (marks.size > 0) this.#install(undefined);
      if (marks.size === 0) break;
      this.#marks.write(marks);
      this.#installer.settle();
    }
    this.#forget(plan.gone);
    return {
      revision,
      install: this.#installer.lastInstall,
      applied: plan.count,
      refused: plan.refused,
      unresolved: exempt.unresolved,
      armed: true,
      milliseconds: performance.now() - began,
    };
  }

  /** Empties every hook at once, until the next `apply`. */
  disarm(): void {
    this.#installer.disarm();
    this.#armed = false;
    this.#held.clear();
  }

  /** Whether what is in force has to be applied again when containers come, go, or get other names. */
  get usesContainers(): boolean {
    return this.#marks.usesContainers;
  }

  /**
   * Marks the containers that have come since the last apply and tells the kernel of those that are announced, in much
   * less time than an apply, which waits for programs to end. False when that is not enough: then apply again. What has
   * raced with it, and what is marked and should not be any more, the next apply finds.
   */
  followContainers(): boolean {
    if (!this.#armed) return true;
    const marked = this.#marks.follow();
    // what the kernel remembers of processes that run there already is of no use any more
    if (marked === true) this.#installer.settle();
    return marked !== undefined;
  }

  get armed(): boolean {
    return this.#armed;
  }

  /** Boottime ns of the next lease that ends: applying again then frees its place. The matcher ignores it anyhow. */
  nextDeadline(): bigint | null {
    let next: bigint | null = null;
    for (const { normal } of this.#held)
      if (normal.deadline !== null && (next === null || normal.deadline < next)) next = normal.deadline;
    return next;
  }

  /** Counters of each selector in force, since this agent has it. */
  counters(): CountedSelector[] {
    return [...this.#held].map(({ key, source }) => {
      const counted = this.#numbers.read(key);
      return Object.assign({ entry: source.entry, id: source.selector.id }, counted ?? NOTHING);
    });
  }

  /** What is counted for the matcher as a whole. */
  counts(): Record<(typeof COUNT_NAMES)[number], number> {
    const entries = COUNT_NAMES.map((name, index) => [name, sumOf(this.#maps.counts.lookupPerCpu(u32(index)))]);
    return Object.fromEntries(entries) as Record<(typeof COUNT_NAMES)[number], number>;
  }

  /** Events of a hook that were compared with its selectors since the programs were loaded. */
  seen(hook: Hook): number {
    return sumOf(this.#maps.seen.lookupPerCpu(u32(hookNumber(hook))));
  }

  /**
   * Looks at the counters and puts selectors that denied more than their budget in the last minute back to mode monitor,
   * where they stay until they are changed or gone. To be called about once a second.
   */
  enforceBudget(): Demotion[] {
    const demotions: Demotion[] = [];
    const time = this.#options.now();
    for (const { key, source, normal } of this.#held) {
      const { entry, selector } = source;
      const counted = normal.mode === MODE_NUMBER.enforce ? this.#numbers.read(key) : undefined;
      if (counted === undefined) continue;
      const denials = this.#budget.add(key, counted.denied, time);
      if (denials <= this.#budget.limit) continue;
      this.#demoted.set(key, JSON.stringify(selector));
      demotions.push({ entry, id: selector.id, denials, budget: this.#budget.limit });
    }
    if (demotions.length > 0 && this.#armed) this.apply(this.#given.revision, this.#given.selectors);
    return demotions;
  }

  /** Selectors that are in mode monitor because they exceeded their budget. */
  demoted(): { entry: string; id: string }[] {
    return [...this.#held].flatMap(({ source }) =>
      this.#isDemoted(source) ? [{ entry: source.entry, id: source.selector.id }] : [],
    );
  }

  /** The selector that a denial record means: `install` and `index` are its fields `install` and `selector`. */
  describe(install: number, index: number): ActiveSelector | undefined {
    return this.#history.find(({ installs }) => installs.has(install))?.tables.last[index]?.source;
  }

  /** Descriptors of the maps that the tables stand in, for who wants to know what they take. */
  innerMaps(): number[] {
    return this.#installer.maps();
  }

  /** The place of a selector in force: between those of one priority and action the lower one decides. */
  placeOf(source: ActiveSelector): number | undefined {
    return this.#held.get(selectorKey(source))?.place;
  }

  /** Empties every hook and takes every mark away. */
  close(): void {
    this.#installer.close();
    this.#marks.close();
    closeSelectorMaps(this.#maps);
  }

  #making(): Making {
    const { hooks, node } = this.#options;
    const now = this.#options.now();
    const abilities = new Map<Hook, HookAbility>(hooks.map((ability) => [ability.hook, ability]));
    const isHere = ({ nodes }: Scope) =>
      node === undefined || nodes === undefined || nodes.includes("*") || nodes.includes(node);
    const isDemoted = (source: ActiveSelector) => this.#demoted.size > 0 && this.#isDemoted(source);
    const isSame = (held: Held, source: ActiveSelector) =>
      held.ability === abilities.get(source.selector.hook) && held.demoted === isDemoted(source);
    return {
      now,
      isWanted: ({ selector, deadline }) => isHere(selector.scope ?? {}) && (deadline === null || deadline > now),
      stands: (held) => {
        const { deadline, selector } = held.source;
        if ((deadline !== null && deadline <= now) || !isSame(held, held.source)) return false;
        return this.#isScopeSame(held, selector.scope ?? {});
      },
      make: (source, there) => {
        const { selector, deadline } = source;
        const ability = abilities.get(selector.hook);
        const scope = this.#scopes.resolve(selector.scope ?? {});
        const demoted = isDemoted(source);
        const before = there?.source;
        const keeps = before?.selector === selector && before.deadline === deadline && isSame(there!, source);
        const normal =
          keeps && there!.scopeText === scope.text
            ? there!.normal
            : normalize(source, hooks, scope.members, demoted, this.#lineage);
        scope.used = true;
        return { normal, scopeKey: scope.key, scopeText: scope.text, ability, demoted };
      },
    };
  }

  #isScopeSame(held: Held, scope: Scope): boolean {
    try {
      const resolved = this.#scopes.resolve(scope, held.scopeKey);
      if (resolved.text !== held.scopeText) return false;
      resolved.used = true;
      return true;
    } catch (error) {
      if (error instanceof SelectorError) return false;
      throw error;
    }
  }

  #isDemoted({ entry, selector }: ActiveSelector): boolean {
    return this.#demoted.get(selectorKey({ entry, selector })) === JSON.stringify(selector);
  }

  /** Puts a plan in force, and what tables have to know of sets that are new; without a plan, that alone. */
  #install(plan: Plan | undefined): void {
    const changes = plan?.changes ?? new Map<Hook, HookChange>();
    for (const hook of this.#installer.hooks())
      if (!changes.has(hook) && this.#installer.knowsNot(hook))
        changes.set(hook, { gone: [], come: [], touched: [], all: () => this.#held.of(hook) });
    // the plans have numbered every set that a mark may name, and all hooks' tables know those from here on
    this.#marks.known();
    let placed: ReadonlyMap<Hook, ReadonlyMap<NormalSelector, number>> = new Map();
    try {
      for (const { come } of changes.values()) this.#numbers.take(come.map(({ key }) => key));
      if (changes.size > 0) placed = this.#installer.install(changes, ({ key }) => this.#numbers.of(key));
    } catch (cause) {
      this.#held.giveUp();
      if (cause instanceof SelectorError) throw cause;
      throw new SelectorError("tables", "the kernel does not take the selectors' tables", { cause });
    }
    this.#held.settle(plan ?? { changes, refused: [], gone: [], come: [], moved: [], count: 0 }, placed);
    for (const hook of changes.keys()) this.#remember(this.#installer.tablesOf(hook), this.#installer.installOf(hook));
  }

  #remember(tables: HookTables | undefined, install: number): void {
    if (tables === undefined) return;
    const known = this.#history.find((one) => one.tables === tables);
    if (known !== undefined) known.installs.add(install);
    else this.#history.push({ tables, installs: new Set([install]) });
    if (this.#history.length > REMEMBERED_TABLES) this.#history.shift();
  }

  /** Gives back what only earlier selectors needed. */
  #forget(gone: readonly Held[]): void {
    const keys = gone.flatMap(({ key }) => (this.#held.get(key) === undefined ? [key] : []));
    this.#numbers.giveBack(keys);
    this.#budget.forget(keys);
    for (const key of keys) this.#demoted.delete(key);
    if (this.#lineage.size > 0)
      this.#marks.forgetLineages(this.#lineage.keep(this.#ancestors()), () => this.#installer.settle());
    this.#marks.keep();
  }

  *#ancestors() {
    for (const { normal } of this.#held)
      for (const condition of normal.conditions) if (condition.type === "ancestors") yield condition;
  }

  #exempt() {
    const { ownCgroup, exempt, cgroupRoot } = this.#options;
    return findExempt(exempt, ownCgroup, cgroupRoot, this.#marks.nameless);
  }
}

const NOTHING = { hits: 0, would_deny: 0, denied: 0, undecided: 0, rate_limited: 0 };

function sumOf(values: Uint8Array[] | undefined): number {
  return (values ?? []).reduce((total, value) => total + Number(Buffer.from(value).readBigUInt64LE(0)), 0);
}
