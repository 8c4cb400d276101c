import { bootId } from "../bus/boot.ts";
import type { NodeStatus, SelectorCounters } from "../bus/types/status.ts";
import type { DesiredState } from "./desired/desired-state.ts";
import type { WallClock } from "./events/clock.ts";
import type { Tiers } from "./demand/tiers.ts";
import { type Matcher, selectorKey } from "./matcher.ts";
import { kernelRelease, reeveVersion } from "./version.ts";

export interface StatusParts {
  node: string;
  epoch: number;
  state: NodeStatus["state"];
  tiers: Tiers;
  desired: DesiredState;
  history: readonly string[];
  matcher: Matcher;
  containers: NonNullable<NodeStatus["containers"]>;
  clock: WallClock;
  counters: Record<string, number>;
  losses: Record<string, number>;
}

const NONE: SelectorCounters = { hits: 0, would_deny: 0, denied: 0, undecided: 0, rate_limited: 0 };
const version = reeveVersion();

/** What this node says of itself in KV reeve_status. */
export function nodeStatus(parts: StatusParts): NodeStatus {
  const { clock, desired } = parts;
  const counters = parts.matcher.counters();
  const refused = new Set(desired.refused.map((it) => selectorKey(it.entry, it.selector)));
  const demoted = parts.matcher.demoted();
  return {
    node: parts.node,
    time: clock.format(clock.now()),
    boot: bootId(),
    epoch: parts.epoch,
    kernel: kernelRelease(),
    version,
    state: parts.state === "running" && desired.disarmed ? "disarmed" : parts.state,
    applied_revision: desired.appliedRevision,
    hooks: parts.tiers.hooks(),
    selectors: desired.active
      .filter(({ entry, selector }) => !refused.has(selectorKey(entry, selector.id)))
      .map(({ entry, selector, deadline }) => ({
        id: selector.id,
        entry,
        mode: demoted.has(selectorKey(entry, selector.id)) ? "monitor" : selector.mode,
        deadline: deadline === null ? null : clock.format(deadline),
        counters: counters.get(selectorKey(entry, selector.id)) ?? NONE,
      })),
    refused: [...desired.refused],
    rulesets: [...desired.rulesets],
    history: [...parts.history],
    filtered: parts.tiers.filtered(),
    containers: parts.containers,
    counters: parts.counters,
    losses: parts.losses,
  };
}
