/** What an engine counted of one rule or enforcement package since it started. `disabled` rules have a reason. */
export interface RuleStatus {
  id: string;
  kind: "rule" | "policy";
  language: "jsonata" | "rego";
  on: string[];
  severity: string | null;
  title: string;
  state: "active" | "disabled";
  reason: string | null;
  evaluations: number;
  hits: number;
  errors: number;
  /** The last error, in words. */
  last_error: string | null;
  time_us: number;
  /** RFC 3339; null when it found nothing yet. */
  last_alert: string | null;
}

/** Entry `engine.<name>` of KV `reeve_status`. Times are RFC 3339. */
export interface EngineStatus {
  name: string;
  time: string;
  started_at: string;
  version: string;
  state: "starting" | "running" | "stopping";
  /** The partitions of the events that it reads. */
  partitions: number[];
  /** The rule set in force; null before the first. */
  ruleset: string | null;
  /** A newer set that could not be taken, and why; null when there is none. */
  refused_ruleset: { digest: string; reason: string } | null;
  rules: RuleStatus[];
  disabled: { id: string; reason: string; time: string }[];
  /** messages, events, findings, alerts, summaries, suppressed, decisions, refused_<code>, worker_restarts, ... */
  counters: Record<string, number>;
  /** The last refusals of events, newest first. */
  refused: { time: string; subject: string; reason: string }[];
}
