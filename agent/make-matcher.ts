import type { Config } from "../bus/config/settings.ts";
import type { Logger } from "../bus/log.ts";
import type { Hook } from "../bus/types/selector.ts";
import type { RefusedSelector, SelectorCounters } from "../bus/types/status.ts";
import type { ActiveSelector } from "./desired/desired-state.ts";
import type { Hooks } from "./hooks/hooks.ts";
import { boottime } from "./kernel/libc.ts";
import { type Matcher, NoMatcher, selectorKey } from "./matcher.ts";
import { containerCgroup } from "./own-cgroup.ts";
import type { TableLookup } from "./process/lookup.ts";
import { SelectorError } from "./selectors/errors.ts";
import type { ContainerLookup } from "./selectors/container-scopes.ts";
import { SelectorTables } from "./selectors/selector-tables.ts";

export interface MatcherOptions {
  config: Config;
  hooks: Hooks;
  lookup: TableLookup;
  containers: ContainerLookup;
  /** Where the v2 hierarchy is mounted. */
  cgroupRoot: string | undefined;
  log: Logger;
}

/** The matcher of this kernel; one that refuses everything, with the reason, where none could be loaded. */
export function makeMatcher(options: MatcherOptions): Matcher {
  if (options.cgroupRoot === undefined) return new NoMatcher("this host has no cgroup v2 hierarchy");
  try {
    return new KernelMatcher(options, options.cgroupRoot);
  } catch (error) {
    // what cannot be decided at a single hook is said to the selectors for it
    if (!(error instanceof SelectorError && error.code === "tables")) throw error;
    const { abilities } = options.hooks;
    const why = abilities.map(({ hook, why }) => `${hook}: ${why ?? "not attached"}`).join("; ");
    return new NoMatcher(`${error.message} (${why})`);
  }
}

/** The selector tables, with what the agent does around them. */
class KernelMatcher implements Matcher {
  readonly #tables: SelectorTables;
  readonly #hooks: Hooks;
  readonly #log: Logger;
  #unresolved = "";

  constructor(options: MatcherOptions, cgroupRoot: string) {
    const { config, hooks, lookup, containers, log } = options;
    this.#log = log;
    const container = containerCgroup();
    this.#hooks = hooks;
    this.#tables = new SelectorTables({
      maps: hooks.maps,
      processes: lookup,
      containers,
      cgroupRoot,
      hooks: hooks.abilities,
      now: boottime,
      exempt: [...config.exempt.scopes, ...(container === null ? [] : [{ cgroup: container }])],
      ownCgroup: config.agent.own_cgroup,
      node: config.node,
    });
  }

  apply(revision: number, selectors: ActiveSelector[], standby: ReadonlySet<Hook>): { refused: RefusedSelector[] } {
    const missed = this.#hooks.missed(selectors, standby);
    // to load a hook's programs takes a moment, for which a denial elsewhere must not wait
    const rest = missed.size === 0 ? [] : selectors.filter(({ selector }) => !missed.has(selector.hook));
    if (rest.length > 0) this.#tables.apply(revision, rest);
    this.#hooks.demand(selectors, standby);
    const { refused, unresolved, applied, milliseconds } = this.#tables.apply(revision, selectors);
    const left = new Set(refused.map((it) => selectorKey(it.entry, it.selector)));
    const isInForce = ({ entry, selector }: ActiveSelector) => !left.has(selectorKey(entry, selector.id));
    const inForce = left.size === 0 ? selectors : selectors.filter(isInForce);
    const told = inForce.filter(({ selector }) => selector.action === "post").map(({ selector }) => selector.hook);
    this.#hooks.release(new Set([...inForce.map(({ selector }) => selector.hook), ...standby]), new Set(told));
    const missing = unresolved.join("; ");
    if (missing !== "" && missing !== this.#unresolved)
      this.#log.warn({ unresolved }, "exempt scopes that cannot be found");
    this.#unresolved = missing;
    this.#log.debug({ revision, applied, refused: refused.length, ms: milliseconds }, "selectors applied");
    return { refused };
  }

  disarm(): void {
    this.#tables.disarm();
    this.#hooks.release(new Set(), new Set());
  }

  describe(install: number, selector: number): ActiveSelector | undefined {
    return this.#tables.describe(install, selector);
  }

  counters(): Map<string, SelectorCounters> {
    return new Map(this.#tables.counters().map(({ entry, id, ...counters }) => [selectorKey(entry, id), counters]));
  }

  demoted(): Set<string> {
    return new Set(this.#tables.demoted().map(({ entry, id }) => selectorKey(entry, id)));
  }

  get usesContainers(): boolean {
    return this.#tables.usesContainers;
  }

  followContainers(): boolean {
    return this.#tables.followContainers();
  }

  seen(hook: Hook): number {
    return this.#tables.seen(hook);
  }

  counts(): Record<string, number> {
    return this.#tables.counts();
  }

  tick(): void {
    for (const demotion of this.#tables.enforceBudget())
      this.#log.warn(demotion, "a selector denied more than its budget and is in mode monitor now");
  }

  close(): void {
    this.#tables.close();
  }
}
