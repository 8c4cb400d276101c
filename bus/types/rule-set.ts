/** What the object store says of a built rule set. `digest` is `sha256:<hex>` of the bundle's bytes. */
export interface RuleSetInfo {
  digest: string;
  built_at: string;
  rules: number;
  policies: number;
  sources: string[];
}

/** How a set came into force. */
export interface Activation {
  /** `build`: of the rule directories; `push` and `rollback`: by hand, until what is in the directories changes. */
  source: "build" | "push" | "rollback";
  /** Who did it, as the command line said it; null for the controller itself. */
  by: string | null;
  /** What the rule directories held then; null when that was not known. */
  over: string | null;
}

/** A set that was in force, from then on; `stored`: it can be gone back to. */
export interface ActivatedRuleSet extends RuleSetInfo {
  activated_at: string;
  activation: Activation;
}
