import { type ContainerScope, containerPartOf } from "../../bus/container-scope.ts";
import { HOOKS, type Hook, type Scope } from "../../bus/types/selector.ts";
import type { RefusedSelector } from "../../bus/types/status.ts";
import { BpfMap } from "../kernel/map.ts";
import type { SharedMaps } from "../kernel/shared-maps.ts";
import { Budget, DEFAULT_BUDGET } from "./budget.ts";
import { type Cgroup, cgroupAt } from "./cgroup-tree.ts";
import { CgroupMarks, memberOf } from "./cgroup-marks.ts";
import { MAX_SELECTORS } from "./class-pool.ts";
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
import { Installer } from "./installer.ts";
import { MODE_NUMBER, normalize, type NormalSelector } from "./normalize.ts";
import { cgroupScopeOf } from "./scope.ts";
import { ScopeSets } from "./scope-sets.ts";
import { closeSelectorMaps, openSelectorMaps, type SelectorMaps } from "./selector-maps.ts";
import { TreeMarks } from "./tree-marks.ts";
import type { ActiveSelector, ApplyReport, CountedSelector, Demotion, HookAbility, ProcessLookup } from "./types.ts";
import { u32 } from "./layout.ts";

const MAX_ROUNDS = 32;
/** Sets of selectors that denial records still on their way may speak of. */
const REMEMBERED_INSTALLS = 256;
/** enum match_count. */
const COUNT_NAMES = ["broken", "signals_failed", "unknown_process", "untold"] as const;

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
  tree: string | null;
}

interface Placed {
  groups: ContainerGroups;
  outer: MarkedCgroup[];
  outerSets: string[][];
  exempt: Cgroup[];
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
  readonly #described = new Map<number, readonly NormalSelector[]>();
  /** Selectors that went back to monitor, with what they said when they did. */
  readonly #demoted = new Map<string, string>();
  #applied: NormalSelector[] = [];
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
    const hooks = byHook(normal);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const treePlan = this.#trees.plan(trees);
      const cgroupPlan = this.#cgroups.plan([...outer, ...running.marked], outside);
      const expectedPlan = this.#containers.plan(groups, outerSets);
      const marks = treePlan.size + cgroupPlan.size + expectedPlan.size;
      // tables before marks: they must know each set that a mark may name
      if (round === 0 || marks > 0) this.#install(hooks);
      if (marks === 0) break;
      // a container that is made meanwhile is in its scopes before the walk could find it
      this.#containers.write(expectedPlan);
      this.#trees.write(treePlan);
      this.#cgroups.write(cgroupPlan);
      this.#installer.settle();
    }
    this.#forget(normal, new Set([...trees, ...cgroups.keys(), ...scopes.keys()]));
    return {
      revision,
      install: this.#installer.lastInstall,
      applied: normal.length,
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
    return true;
  }

  get armed(): boolean {
    return this.#armed;
  }

  /** Boottime ns of the next lease that ends: applying again then frees its place. The matcher ignores it anyhow. */
  nextDeadline(): bigint | null {
    const deadlines = this.#applied.flatMap(({ deadline }) => (deadline === null ? [] : [deadline]));
    return deadlines.length === 0 ? null : deadlines.reduce((a, b) => (a < b ? a : b));
  }

  /** Counters of each selector in force, since this agent has it. */
  counters(): CountedSelector[] {
    return this.#applied.map(({ source: { entry, selector } }) => {
      const counted = this.#numbers.read(keyOf(entry, selector.id));
      return { entry, id: selector.id, ...(counted ?? NOTHING) };
    });
  }

  /** What is counted for the matcher as a whole. */
  counts(): Record<(typeof COUNT_NAMES)[number], number> {
    const sum = (values: Uint8Array[] | undefined) =>
      (values ?? []).reduce((total, value) => total + Number(Buffer.from(value).readBigUInt64LE(0)), 0);
    const entries = COUNT_NAMES.map((name, index) => [name, sum(this.#maps.counts.lookupPerCpu(u32(index)))]);
    return Object.fromEntries(entries) as Record<(typeof COUNT_NAMES)[number], number>;
  }

  /**
   * Looks at the counters and puts selectors that denied more than their budget in the last minute back to mode monitor,
   * where they stay until they are changed or gone. To be called about once a second.
   */
  enforceBudget(): Demotion[] {
    const demotions: Demotion[] = [];
    const time = this.#options.now();
    for (const { source, mode } of this.#applied) {
      const { entry, selector } = source;
      const key = keyOf(entry, selector.id);
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
    return this.#applied.flatMap(({ source }) =>
      this.#isDemoted(source) ? [{ entry: source.entry, id: source.selector.id }] : [],
    );
  }

  /** The selector that a denial record means: `install` and `index` are its fields `install` and `selector`. */
  describe(install: number, index: number): ActiveSelector | undefined {
    return this.#described.get(install)?.[index]?.source;
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
    const normal: NormalSelector[] = [];
    const refused: RefusedSelector[] = [];
    const cgroups = new Map<string, Cgroup>();
    const trees = new Set<string>();
    const scopes = new Map<string, ContainerScope>();
    const seen = new Set<string>();
    const perHook = new Map<Hook, number>();
    const now = this.#options.now();
    for (const source of selectors) {
      const { entry, selector } = source;
      if (!this.#isForThisNode(selector.scope ?? {})) continue;
      if (source.deadline !== null && source.deadline <= now) continue;
      try {
        const key = keyOf(entry, selector.id);
        if (seen.has(key)) throw new SelectorError("duplicate", `id: ${selector.id} is there twice in ${entry}`);
        const count = (perHook.get(selector.hook) ?? 0) + 1;
        if (count > MAX_SELECTORS)
          throw new SelectorError(
            "limit",
            `${selector.hook} has ${MAX_SELECTORS} selectors already, which is all it takes`,
          );
        const scope = this.#resolveScope(selector.scope ?? {});
        const { cgroup, containers, tree } = scope;
        const ofCgroup = cgroup === undefined ? [] : [memberOf(cgroup)];
        const ofContainers = containers === undefined ? [] : [memberOfContainers(containers)];
        const members = { cgroups: [...ofCgroup, ...ofContainers], tree };
        const one = normalize(source, this.#options.hooks, members);
        if (this.#isDemoted(source)) one.mode = MODE_NUMBER.monitor;
        this.#numbers.of(key);
        if (cgroup !== undefined) cgroups.set(memberOf(cgroup), cgroup);
        if (containers !== undefined) scopes.set(memberOfContainers(containers), containers);
        if (tree !== null) trees.add(tree);
        seen.add(key);
        perHook.set(selector.hook, count);
        normal.push(one);
      } catch (error) {
        if (!(error instanceof SelectorError)) throw error;
        refused.push({ selector: selector.id, entry, reason: error.message });
      }
    }
    return { normal, refused, cgroups, trees, scopes };
  }

  #resolveScope(scope: Scope): Resolved {
    const places = cgroupScopeOf(scope, this.#options.cgroupRoot, this.#containers.nameless);
    if (scope.tree === undefined) return { ...places, tree: null };
    const tree = typeof scope.tree === "string" ? this.#trees.resolve(scope.tree) : undefined;
    if (tree === undefined)
      throw new SelectorError("scope", `scope.tree: no process ${JSON.stringify(scope.tree)} is known on this node`);
    return { ...places, tree };
  }

  #isForThisNode(scope: Scope): boolean {
    const { node } = this.#options;
    return node === undefined || scope.nodes === undefined || scope.nodes.includes("*") || scope.nodes.includes(node);
  }

  #isDemoted({ entry, selector }: ActiveSelector): boolean {
    return this.#demoted.get(keyOf(entry, selector.id)) === JSON.stringify(selector);
  }

  #install(hooks: ReadonlyMap<Hook, readonly NormalSelector[]>): void {
    try {
      this.#installer.install(hooks, ({ source }) => this.#numbers.of(keyOf(source.entry, source.selector.id)));
    } catch (cause) {
      if (cause instanceof SelectorError) throw cause;
      throw new SelectorError("tables", "the kernel does not take the selectors' tables", { cause });
    }
    this.#knownSets = this.#sets.size;
    for (const { install, selectors } of this.#installer.installs()) this.#described.set(install, selectors);
    for (const install of this.#described.keys())
      if (install <= this.#installer.lastInstall - REMEMBERED_INSTALLS) this.#described.delete(install);
  }

  /** Gives back what only earlier selectors needed. */
  #forget(normal: NormalSelector[], members: ReadonlySet<string>): void {
    this.#applied = normal;
    const keys = new Set(normal.map(({ source }) => keyOf(source.entry, source.selector.id)));
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

const NOTHING = { hits: 0, would_deny: 0, denied: 0, undecided: 0, suppressed: 0 };

function byHook(selectors: readonly NormalSelector[]): Map<Hook, NormalSelector[]> {
  return new Map(HOOKS.map((hook) => [hook, selectors.filter((selector) => selector.hook === hook)]));
}

/** Either of the two: both would be ANDed, and one of them is all that a mark can say. */
function checkExempt(scope: Scope): void {
  const containers = containerPartOf(scope) !== undefined;
  const cgroup = scope.cgroup !== undefined && scope.cgroup !== "/";
  if (containers !== cgroup && scope.tree === undefined && scope.pod === undefined) return;
  const allowed = `allowed: {"cgroup": "/…"} other than the root, or {"container": {…}} and {"service": "…"}`;
  throw new SelectorError("scope", `exempt.scopes: ${JSON.stringify(scope)} is not possible; ${allowed}`);
}

function keyOf(entry: string, id: string): string {
  return `${entry}\n${id}`;
}
