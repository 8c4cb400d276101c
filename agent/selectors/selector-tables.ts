import { type ContainerScope, containerPartOf } from "../../bus/container-scope.ts";
import { HOOKS, type Hook, type Scope, type Selector } from "../../bus/types/selector.ts";
import type { RefusedSelector } from "../../bus/types/status.ts";
import { BpfMap } from "../kernel/map.ts";
import type { SharedMaps } from "../kernel/shared-maps.ts";
import { Budget, DEFAULT_BUDGET } from "./budget.ts";
import { type Cgroup, cgroupAt } from "./cgroup-tree.ts";
import { CgroupMarks, memberOf } from "./cgroup-marks.ts";
import { AppliedSelectors } from "./applied.ts";
import { HookLimits } from "./hook-limits.ts";
import type { HookTables } from "./hook-tables.ts";
import { CounterNumbers } from "./counter-numbers.ts";
import {
  type ContainerGroups,
  type ContainerLookup,
  ContainerScopes,
  type MarkedCgroup,
  memberOfContainers,
  namelessContainers,
} from "./container-scopes.ts";
import { SelectorError } from "./errors.ts";
import { hookNumber } from "./hooks/all.ts";
import { Installer } from "./installer.ts";
import { MODE_NUMBER, normalize, type NormalSelector, type ScopeMembers, selectorKey } from "./normalize.ts";
import { cgroupScopeOf } from "./scope.ts";
import { ScopeSets } from "./scope-sets.ts";
import { closeSelectorMaps, openSelectorMaps, type SelectorMaps } from "./selector-maps.ts";
import { TreeMarks } from "./tree-marks.ts";
import type { ActiveSelector, ApplyReport, CountedSelector, Demotion, HookAbility, ProcessLookup } from "./types.ts";
import { u32 } from "./layout.ts";

const MAX_ROUNDS = 32;
/** Tables that denial records still on their way may speak of. */
const REMEMBERED_TABLES = 4;
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

/** What a selector's scope became on this node. */
interface Resolved {
  cgroup: Cgroup | undefined;
  containers: ContainerScope | undefined;
  members: ScopeMembers;
}

interface Placed {
  groups: ContainerGroups;
  outer: MarkedCgroup[];
  outerSets: string[][];
  exempt: Cgroup[];
}

/** What a normal form was made of: it stands while that is the same. */
interface Made {
  selector: Selector;
  deadline: bigint | null;
  members: string;
  ability: HookAbility | undefined;
  demoted: boolean;
}

/** The selectors in force in this kernel: compiled, installed, marked, counted. */
export class SelectorTables {
  readonly #options: SelectorTablesOptions;
  readonly #maps: SelectorMaps;
  readonly #sets = new ScopeSets();
  readonly #installer: Installer;
  readonly #trees: TreeMarks;
  readonly #cgroups: CgroupMarks;
  readonly #containers: ContainerScopes;
  readonly #numbers: CounterNumbers;
  readonly #budget: Budget;
  /** Tables, the newest last, with the installations that they were used in. */
  readonly #history: { tables: HookTables; installs: Set<number> }[] = [];
  /** Selectors that went back to monitor, with what they said when they did. */
  readonly #demoted = new Map<string, string>();
  readonly #applied = new AppliedSelectors();
  readonly #made = new WeakMap<NormalSelector, Made>();
  #given: { revision: number; selectors: readonly ActiveSelector[] } = { revision: 0, selectors: [] };
  #armed = true;
  /** What the last apply found, for containers that come later. */
  #placed: Placed = { groups: { scopes: new Map(), exempt: [] }, outer: [], outerSets: [], exempt: [] };
  /** Sets below this number are known to the tables in force. */
  #knownSets = 0;

  /**
   * Programs must be loaded and attached, and the process table seeded, before. Exempt cgroups are marked at once.
   * @throws SelectorError `tables` (programs not loaded), `scope` (an exempt scope of a kind that cannot be exempt).
   */
  constructor(options: SelectorTablesOptions) {
    this.#options = options;
    this.#maps = openSelectorMaps(options.maps);
    this.#installer = new Installer(this.#maps, this.#sets);
    this.#trees = new TreeMarks(this.#maps.trees, this.#maps.states, options.processes, this.#sets);
    this.#cgroups = new CgroupMarks(this.#maps.cgroups, this.#sets);
    const expected = options.maps.fd("expected_containers");
    this.#containers = new ContainerScopes(
      options.containers ?? namelessContainers(options.cgroupRoot),
      expected === undefined ? undefined : BpfMap.fromFd(expected),
      this.#sets,
    );
    this.#numbers = new CounterNumbers(this.#maps.counters);
    this.#budget = new Budget(options.budget ?? DEFAULT_BUDGET);
    for (const scope of options.exempt) checkExempt(scope);
    const { cgroups, containers } = this.#exempt();
    const groups = { scopes: new Map(), exempt: containers };
    this.#cgroups.protect([...cgroups, ...this.#containers.running(groups).exempt]);
    this.#containers.write(this.#containers.plan(groups, []));
  }

  /**
   * Puts all of these in force and nothing else, on every hook at once, also after `disarm`. Selectors that cannot be
   * taken are refused with a reason, the others apply; those whose lease has ended are left out.
   * @throws SelectorError `tables` when the kernel does not take the tables: what was in force stays.
   */
  apply(revision: number, selectors: readonly ActiveSelector[]): ApplyReport {
    const began = performance.now();
    this.#given = { revision, selectors };
    this.#armed = true;
    const { normal, refused, cgroups, trees, scopes } = this.#resolve(selectors);
    const exempt = this.#exempt();
    const groups = { scopes, exempt: exempt.containers };
    const running = this.#containers.running(groups);
    const outside = [...exempt.cgroups, ...running.exempt];
    this.#cgroups.protect(outside);
    const outer = [...cgroups].map(([member, cgroup]) => ({ cgroup, members: [member] }));
    const outerSets = this.#cgroups.setsOf(outer);
    this.#placed = { groups, outer, outerSets, exempt: exempt.cgroups };
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const treePlan = this.#trees.plan(trees);
      const cgroupPlan = this.#cgroups.plan([...outer, ...running.marked], outside);
      const expectedPlan = this.#containers.plan(groups, outerSets);
      const marks = treePlan.size + cgroupPlan.size + expectedPlan.size;
      // tables before marks: they must know each set that a mark may name
      if (round === 0 || marks > 0) this.#install(normal);
      if (marks === 0) break;
      // a container that is made meanwhile is in its scopes before the walk could find it
      this.#containers.write(expectedPlan);
      this.#trees.write(treePlan);
      this.#cgroups.write(cgroupPlan);
      this.#installer.settle();
    }
    this.#forget(new Set([...trees, ...cgroups.keys(), ...scopes.keys()]));
    return {
      revision,
      install: this.#installer.lastInstall,
      applied: normal.size,
      refused,
      unresolved: exempt.unresolved,
      armed: true,
      milliseconds: performance.now() - began,
    };
  }

  /** Empties every hook at once, until the next `apply`. */
  disarm(): void {
    this.#installer.disarm();
    this.#armed = false;
    this.#applied.clear();
  }

  /** Whether what is in force has to be applied again when containers come, go, or get other names. */
  get usesContainers(): boolean {
    const { scopes, exempt } = this.#placed.groups;
    return scopes.size + exempt.length > 0;
  }

  /**
   * Marks the containers that have come since the last apply and tells the kernel of those that are announced, in much
   * less time than an apply, which waits for programs to end. False when that is not enough: then apply again. What has
   * raced with it, and what is marked and should not be any more, the next apply finds.
   */
  followContainers(): boolean {
    if (!this.#armed) return true;
    const { groups, outer, outerSets, exempt } = this.#placed;
    const running = this.#containers.running(groups);
    const marks = this.#cgroups.plan([...outer, ...running.marked], [...exempt, ...running.exempt]);
    const expected = this.#containers.plan(groups, outerSets);
    if (this.#sets.size > this.#knownSets) return false;
    this.#containers.write(expected);
    this.#cgroups.write(marks);
    // what the kernel remembers of processes that run there already is of no use any more
    if (marks.size > 0) this.#installer.settle();
    return true;
  }

  get armed(): boolean {
    return this.#armed;
  }

  /** Boottime ns of the next lease that ends: applying again then frees its place. The matcher ignores it anyhow. */
  nextDeadline(): bigint | null {
    let next: bigint | null = null;
    for (const [, normal] of this.#applied)
      if (normal.deadline !== null && (next === null || normal.deadline < next)) next = normal.deadline;
    return next;
  }

  /** Counters of each selector in force, since this agent has it. */
  counters(): CountedSelector[] {
    return [...this.#applied].map(([key, { source }]) => {
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
    for (const [key, { source, mode }] of this.#applied) {
      const { entry, selector } = source;
      const counted = mode === MODE_NUMBER.enforce ? this.#numbers.read(key) : undefined;
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
    return [...this.#applied].flatMap(([, { source }]) =>
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
    return this.#applied.placeOf(source.selector.hook, selectorKey(source));
  }

  /** Empties every hook and takes every mark away. */
  close(): void {
    this.#installer.close();
    this.#trees.keep(new Set());
    this.#containers.close();
    for (const key of this.#maps.cgroups.keys()) this.#maps.cgroups.delete(key);
    closeSelectorMaps(this.#maps);
  }

  #resolve(selectors: readonly ActiveSelector[]) {
    const normal = new Map<string, NormalSelector>();
    const refused: RefusedSelector[] = [];
    const cgroups = new Map<string, Cgroup>();
    const trees = new Set<string>();
    const containers = new Map<string, ContainerScope>();
    const limits = new Map<Hook, HookLimits>(HOOKS.map((hook) => [hook, new HookLimits(hook)]));
    const now = this.#options.now();
    const scopes = new Map<string, Resolved>();
    const scopeOf = (scope: Scope): Resolved => {
      const { cgroup, container, service, pod, tree } = scope;
      // what most scopes are, without the cost of writing them out
      const plain = container === undefined && service === undefined && pod === undefined && tree === undefined;
      const key =
        plain && typeof cgroup === "string" ? cgroup : JSON.stringify([cgroup, container, service, pod, tree]);
      let known = scopes.get(key);
      if (known === undefined) scopes.set(key, (known = this.#resolveScope(scope)));
      return known;
    };
    for (const source of selectors) {
      const { entry, selector } = source;
      if (!this.#isForThisNode(selector.scope ?? {})) continue;
      if (source.deadline !== null && source.deadline <= now) continue;
      try {
        const key = selectorKey(source);
        if (normal.has(key)) throw new SelectorError("duplicate", `id: ${selector.id} is there twice in ${entry}`);
        const { cgroup, containers: meant, members } = scopeOf(selector.scope ?? {});
        const one = this.#normalOf(key, source, members);
        limits.get(selector.hook)!.take(one);
        if (cgroup !== undefined) cgroups.set(memberOf(cgroup), cgroup);
        if (meant !== undefined) containers.set(memberOfContainers(meant), meant);
        if (members.tree !== null) trees.add(members.tree);
        normal.set(key, one);
      } catch (error) {
        if (!(error instanceof SelectorError)) throw error;
        refused.push({ selector: selector.id, entry, reason: error.message });
      }
    }
    return { normal, refused, cgroups, trees, scopes: containers };
  }

  /** The selector in its normal form: the very one that is in force, where it is made of the same. */
  #normalOf(key: string, source: ActiveSelector, members: ScopeMembers): NormalSelector {
    const { selector, deadline } = source;
    const ability = this.#options.hooks.find(({ hook }) => hook === selector.hook);
    const demoted = this.#demoted.size > 0 && this.#isDemoted(source);
    const there = this.#applied.get(selector.hook, key);
    const made = there && this.#made.get(there);
    const same = made?.selector === selector && made.ability === ability && made.demoted === demoted;
    const text = members.tree === null ? members.cgroups.join() : `${members.cgroups.join()} ${members.tree}`;
    if (same && made.deadline === deadline && made.members === text) return there!;
    const one = normalize(source, this.#options.hooks, members, demoted);
    this.#made.set(one, { selector, deadline, members: text, ability, demoted });
    return one;
  }

  #resolveScope(scope: Scope): Resolved {
    const places = cgroupScopeOf(scope, this.#options.cgroupRoot, this.#containers.nameless);
    const { cgroup, containers } = places;
    const names = cgroup === undefined ? [] : [memberOf(cgroup)];
    if (containers !== undefined) names.push(memberOfContainers(containers));
    if (scope.tree === undefined) return { ...places, members: { cgroups: names, tree: null } };
    const tree = typeof scope.tree === "string" ? this.#trees.resolve(scope.tree) : undefined;
    if (tree === undefined)
      throw new SelectorError("scope", `scope.tree: no process ${JSON.stringify(scope.tree)} is known on this node`);
    return { ...places, members: { cgroups: names, tree } };
  }

  #isForThisNode(scope: Scope): boolean {
    const { node } = this.#options;
    return node === undefined || scope.nodes === undefined || scope.nodes.includes("*") || scope.nodes.includes(node);
  }

  #isDemoted({ entry, selector }: ActiveSelector): boolean {
    return this.#demoted.get(selectorKey({ entry, selector })) === JSON.stringify(selector);
  }

  #install(wanted: ReadonlyMap<string, NormalSelector>): void {
    const changes = this.#applied.changesTo(wanted, this.#options.now());
    for (const hook of HOOKS)
      if (!changes.has(hook) && this.#installer.knowsNot(hook))
        changes.set(hook, { gone: [], come: [], touched: [], all: () => selectorsOf(hook, wanted) });
    // the plans have numbered every set that a mark may name, and all hooks' tables know those from here on
    this.#knownSets = this.#sets.size;
    if (changes.size === 0) return;
    for (const { come } of changes.values()) this.#numbers.take(come.map(({ key }) => key));
    let anew: Set<Hook>;
    try {
      anew = this.#installer.install(changes, ({ key }) => this.#numbers.of(key));
    } catch (cause) {
      if (cause instanceof SelectorError) throw cause;
      throw new SelectorError("tables", "the kernel does not take the selectors' tables", { cause });
    }
    this.#applied.settle(wanted, changes, anew, (hook) => this.#installer.tablesOf(hook));
    for (const hook of changes.keys()) this.#remember(this.#installer.tablesOf(hook), this.#installer.installOf(hook));
  }

  #remember(tables: HookTables | undefined, install: number): void {
    if (tables === undefined) return;
    const known = this.#history.find((one) => one.tables === tables);
    if (known !== undefined) known.installs.add(install);
    else this.#history.push({ tables, installs: new Set([install]) });
    if (this.#history.length > REMEMBERED_TABLES * HOOKS.length) this.#history.shift();
  }

  /** Gives back what only earlier selectors needed. */
  #forget(members: ReadonlySet<string>): void {
    const keys = new Set([...this.#applied].map(([key]) => key));
    this.#numbers.keep(keys);
    this.#budget.keep(keys);
    for (const key of this.#demoted.keys()) if (!keys.has(key)) this.#demoted.delete(key);
    this.#trees.keep(members);
    this.#cgroups.keep(members);
  }

  #exempt(): { cgroups: Cgroup[]; containers: ContainerScope[]; unresolved: string[] } {
    const { ownCgroup, exempt, cgroupRoot } = this.#options;
    const cgroups: Cgroup[] = [];
    const containers: ContainerScope[] = [];
    const unresolved: string[] = [];
    const take = (find: () => void, what: string) => {
      try {
        find();
      } catch (error) {
        if (!(error instanceof SelectorError)) throw error;
        unresolved.push(`${what}: ${error.message}`);
      }
    };
    take(() => cgroups.push(cgroupAt(cgroupRoot, ownCgroup)), "own cgroup");
    for (const scope of exempt)
      take(() => {
        const { cgroup, containers: meant } = cgroupScopeOf(scope, cgroupRoot, this.#containers.nameless);
        if (cgroup !== undefined) cgroups.push(cgroup);
        if (meant !== undefined) containers.push(meant);
      }, "exempt.scopes");
    return { cgroups, containers, unresolved };
  }
}

const NOTHING = { hits: 0, would_deny: 0, denied: 0, undecided: 0, rate_limited: 0 };

function sumOf(values: Uint8Array[] | undefined): number {
  return (values ?? []).reduce((total, value) => total + Number(Buffer.from(value).readBigUInt64LE(0)), 0);
}

function selectorsOf(hook: Hook, wanted: ReadonlyMap<string, NormalSelector>): NormalSelector[] {
  return [...wanted.values()].filter((selector) => selector.hook === hook);
}

/** Either of the two: both would be ANDed, and one of them is all that a mark can say. */
function checkExempt(scope: Scope): void {
  const containers = containerPartOf(scope) !== undefined;
  const cgroup = scope.cgroup !== undefined && scope.cgroup !== "/";
  if (containers !== cgroup && scope.tree === undefined && scope.pod === undefined) return;
  const allowed = `allowed: {"cgroup": "/…"} other than the root, or {"container": {…}} and {"service": "…"}`;
  throw new SelectorError("scope", `exempt.scopes: ${JSON.stringify(scope)} is not possible; ${allowed}`);
}
