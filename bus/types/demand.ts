import type { Formula } from "../formula/formula.ts";
import type { Hook } from "./selector.ts";

/** What is wanted of one kind of event: those that meet the formula. `for` says who wants it, to be shown. */
export interface Want {
  formula: Formula;
  for: string[];
}

/** By kind of event; of a kind that is not there nothing is wanted. */
export type Wants = Record<string, Want>;

/**
 * One entry of KV `reeve_demand`, key `engine.<name>` or `reader.<id>`: which events its holder wants. It ends by itself
 * `ttl` ms after it was last written.
 */
export interface Demand {
  wants: Wants;
  ttl: number;
  /** Of an engine: digests of the rule sets that these are the wants of. */
  rulesets?: string[];
  /** Hooks that are to stay attached although no selector asks for them, so that a decision acts at once. */
  standby?: Hook[];
}

/** The wants of all holders, as the desired state tells them to agents beside the selectors that were made of them. */
export interface DesiredDemand {
  wants: Wants;
  rulesets: string[];
  standby: Hook[];
}
