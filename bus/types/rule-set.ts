/** What the object store says of a built rule set. `digest` is `sha256:<hex>` of the bundle's bytes. */
export interface RuleSetInfo {
  digest: string;
  built_at: string;
  rules: number;
  policies: number;
  sources: string[];
}
