import { isAskedFor } from "../../bus/demand/selectors.ts";
import { EVENT_KINDS } from "../../bus/generated/events.ts";
import type { Filtered, HookStatus } from "../../bus/types/status.ts";
import type { AttachedHook } from "../hooks/hooks.ts";
import { programStats } from "../kernel/program-stats.ts";
import type { Matcher } from "../matcher.ts";
import type { ActiveSelector } from "../desired/desired-state.ts";
import type { EventFilter } from "./event-filter.ts";
import { HookMeter } from "./hook-meter.ts";

export interface TiersOptions {
  filter: EventFilter;
  matcher: Matcher;
  hooks: readonly AttachedHook[];
  active: () => readonly ActiveSelector[];
  /** Records of a kind that came from the kernel. */
  told: (kind: string) => number;
  /** Records of a kind for which the ring had no room. */
  lost: (kind: string) => number;
}

const KINDS: ReadonlySet<string> = new Set(EVENT_KINDS);

/** What each tier lets through, for whom, and what it costs. */
export class Tiers {
  readonly #options: TiersOptions;
  readonly #meter = new HookMeter();

  constructor(options: TiersOptions) {
    this.#options = options;
  }

  /** Events that nobody wanted. Of the kernel those that were compared with selectors, and neither came nor were lost. */
  filtered(): Filtered {
    const { filter, matcher, hooks, told, lost } = this.#options;
    const kernel: Record<string, number> = {};
    for (const { hook } of hooks) {
      if (!isAskedFor(hook) || !KINDS.has(hook)) continue;
      const count = matcher.seen(hook) - told(hook) - lost(hook);
      if (count > 0) kernel[hook] = count;
    }
    return { kernel, agent: { ...filter.filtered } };
  }

  /** The hooks with their rates and who they are attached for. */
  hooks(): HookStatus[] {
    const { matcher, hooks, told } = this.#options;
    const counts = hooks.map(({ hook, programs }) => ({ hook, programs, seen: matcher.seen(hook), told: told(hook) }));
    const rates = this.#meter.look(counts, programStats, performance.now());
    return hooks.map(({ hook, rung, attached, canDeny, idle, detail }) => {
      const status: HookStatus = { hook, rung, attached, can_deny: canDeny };
      if (idle !== undefined) status.idle = idle;
      if (detail !== undefined) status.detail = detail;
      if (!attached) return status;
      const names = this.#namesFor(hook);
      if (names.length > 0) status.for = names;
      return Object.assign(status, rates.get(hook));
    });
  }

  #namesFor(hook: string): string[] {
    const { filter, active } = this.#options;
    const others = active().flatMap(({ selector: { id, hook: at, because } }) =>
      at !== hook || id.startsWith("want-") ? [] : [because.policy === undefined ? `selector ${id}` : because.policy],
    );
    const standby = filter.standby.has(hook) ? ["policies, to stand by"] : [];
    return [...new Set([...(filter.wants[hook]?.for ?? []), ...others, ...standby])];
  }
}
