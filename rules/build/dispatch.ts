import type { Policy, RegoRule } from "../model/rule.ts";

export interface Dispatch {
  /** A Rego module of package `reeve.dispatch`; null where there is nothing to dispatch. */
  source: string | null;
  /** Entry point by kind. */
  entries: Record<string, string>;
  /** All entry points to build: by kind, and of each rule alone (for when one has to be told from the others). */
  entrypoints: string[];
}

/**
 * One rule by kind of event that evaluates all packages of that kind, so that an event costs one call into the wasm:
 * `process_exec contains ["rule", id, alert]`, `alert contains ["policy", id, decision]`.
 */
export function makeDispatch(rules: readonly RegoRule[], policies: readonly Policy[]): Dispatch {
  const things = [
    ...rules.map((rule) => ({ ...rule, what: "rule", head: "alert" })),
    ...policies.map((policy) => ({ ...policy, what: "policy", head: "decision" })),
  ].sort((a, b) => (a.package < b.package ? -1 : 1));
  if (things.length === 0) return { source: null, entries: {}, entrypoints: [] };
  const entries: Record<string, string> = {};
  let source = "package reeve.dispatch\n";
  for (const thing of things) {
    for (const kind of thing.on) {
      entries[kind] = `reeve/dispatch/${kind}`;
      const head = `${kind} contains [${JSON.stringify(thing.what)}, ${JSON.stringify(thing.id)}, found]`;
      source += `\n${head} if {\n\tsome found in data.${thing.package}.${thing.head}\n}\n`;
    }
  }
  const entrypoints = [...Object.values(entries), ...things.map((thing) => thing.entry)].sort();
  return { source, entries, entrypoints };
}
