import type { DesiredDemand } from "./demand.ts";
import type { Hook, Selector } from "./selector.ts";

/**
 * One entry of KV `reeve_desired`, key `all.<id>` or `node.<node>.<id>`: applied atomically.
 * `ttl` is milliseconds from the first sight of this `renewedAt` by the agent, "none" for policies and what a person added.
 */
export interface DesiredEntry {
  selectors: Selector[];
  hooks: Hook[];
  ttl: number | "none";
  /** RFC 3339; a new value renews the lease. */
  renewedAt: string;
  /** Only in the entries `all.disarm` and `node.<node>.disarm`: while one exists the agent keeps every selector emptied. */
  disarm?: true;
  /** Only in the entry `all.demand`: what events are wanted. Its selectors are made of it. */
  demand?: DesiredDemand;
}
