/** One selector that a node could not take, and why. */
export interface RefusedSelector {
  selector: string;
  entry: string;
  reason: string;
}

/** Counters of one selector on one node. */
export interface SelectorCounters {
  hits: number;
  would_deny: number;
  denied: number;
  undecided: number;
  /** Matches without a record of their own: the rate limit left them out, the next record counts them. */
  rate_limited: number;
}

/** Entry `node.<node>` of KV `reeve_status`. Times are RFC 3339. */
export interface NodeStatus {
  node: string;
  time: string;
  boot: string;
  epoch: number;
  kernel: string;
  version: string;
  state: "starting" | "running" | "disarmed" | "stopping";
  /** Sequence of the desired-state stream up to which this node has applied. */
  applied_revision: number;
  /** `idle`: attached when a selector asks for it, which none does now. */
  hooks: { hook: string; rung: string; attached: boolean; can_deny: boolean; idle?: true; detail?: string }[];
  selectors: { id: string; entry: string; mode: string; deadline: string | null; counters: SelectorCounters }[];
  refused: RefusedSelector[];
  /** Containers that run here, those of them that no runtime has named, and the runtimes that are asked. */
  containers?: { running: number; unnamed: number; runtimes: { socket: string; state: string; reason?: string }[] };
  counters: Record<string, number>;
  losses: Record<string, number>;
}
