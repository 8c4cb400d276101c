/** One message of a rule set build: where, what was wrong, what is allowed. */
export interface BuildMessage {
  file: string | null;
  line: number | null;
  rule: string | null;
  message: string;
  allowed: string | null;
}

/** A decision that was not taken, and why. `code` is stable, `message` names field, what was wrong and what is allowed. */
export interface RefusedDecision {
  time: string;
  sequence: number;
  policy: string;
  decider: string | null;
  code: string;
  message: string;
}

/** The rule set as the controller knows it. `errors` are those of the last build; a broken build leaves `digest` as it was. */
export interface RuleSetStatus {
  digest: string | null;
  built_at: string | null;
  /** Where the current set came from. */
  source: "build" | "push" | null;
  state: "none" | "building" | "live" | "broken";
  build_ms: number | null;
  directories: string[];
  errors: BuildMessage[];
  warnings: BuildMessage[];
}

/** Entry `controller` of KV `reeve_status`. Times are RFC 3339. */
export interface ControllerStatus {
  time: string;
  started_at: string;
  version: string;
  state: "starting" | "running" | "stopping";
  /** Desired state: entries in force, leases among them, `"all"` or node names that are disarmed. */
  desired: { entries: number; leases: number; revision: number; disarmed: string[] };
  /** decisions_accepted, decisions_renewed, decisions_repeated, decisions_refused, refused_<code>, leases_ended, ... */
  counters: Record<string, number>;
  /** The last refusals, newest first. */
  refused: RefusedDecision[];
  /** Entries of the desired state that could not be read. */
  malformed: { key: string; reason: string }[];
  ruleset: RuleSetStatus;
}
