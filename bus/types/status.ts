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

/** A hook as it is on a node. */
export interface HookStatus {
  hook: string;
  rung: string;
  attached: boolean;
  can_deny: boolean;
  /** Attached when somebody asks for it, which nobody does now. */
  idle?: true;
  detail?: string;
  /** Rules, policies, readers and selectors that it is attached for. */
  for?: string[];
  /** Events a second that came from it lately, and that were compared with selectors in the kernel. */
  events_per_s?: number;
  seen_per_s?: number;
  /** Of one core, what its programs took lately, in percent; only while kernel.bpf_stats_enabled is on. */
  cpu_percent?: number;
  /** Nanoseconds of one run of its programs; likewise. */
  ns_per_run?: number;
}

/** Events that nobody wanted, by kind, and where they were left out. */
export interface Filtered {
  kernel: Record<string, number>;
  agent: Record<string, number>;
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
  hooks: HookStatus[];
  selectors: { id: string; entry: string; mode: string; deadline: string | null; counters: SelectorCounters }[];
  refused: RefusedSelector[];
  /** Digests of the rule sets whose events come through here. */
  rulesets: string[];
  /** Kinds of process events that are sent whether anybody wants them or not (`agent.history`). */
  history: string[];
  filtered: Filtered;
  /** Containers that run here, those of them that no runtime has named, and the runtimes that are asked. */
  containers?: { running: number; unnamed: number; runtimes: { socket: string; state: string; reason?: string }[] };
  counters: Record<string, number>;
  losses: Record<string, number>;
}
