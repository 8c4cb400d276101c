import { createHash } from "node:crypto";
import type { Predicate, Scope } from "../../bus/types/selector.ts";

/** What makes two decisions the same one: renewing it must find the entry that it made before. */
export interface Identity {
  /** Whose it is: "engine", "decider:<name>", "person". Nobody renews, or weakens, what another one decided. */
  owner: string;
  policy: string;
  action: string;
  hook: string;
  match: readonly Predicate[];
  scope: Scope;
}

/** Id of a desired entry, usable in a KV key: `<last part of the policy>-<16 hex digits>`. */
export function entryId(identity: Identity): string {
  const { nodes: _nodes, ...scope } = identity.scope;
  // Predicates are ANDed and their values ORed: their order says nothing.
  const match = identity.match
    .map((predicate) => canonical({ ...predicate, values: predicate.values.map(canonical).sort() }))
    .sort();
  const text = canonical({ ...identity, scope, match });
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const slug = (identity.policy.split(/[/.]/).at(-1) ?? "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 32);
  return `${slug === "" ? "decision" : slug}-${digest}`;
}

/** JSON with sorted keys: equal values have equal texts. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`);
  return `{${entries.join(",")}}`;
}
