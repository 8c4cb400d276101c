import { shortHash } from "../ids.ts";
import type { DesiredDemand } from "../types/demand.ts";
import { HOOKS } from "../types/selector.ts";
import type { Hook, Selector } from "../types/selector.ts";
import { kernelFilter } from "./kernel-filter.ts";

/** Kinds whose events reach every agent, since its process table is made of them: the agent picks out what is wanted. */
export const ALWAYS_SEEN: ReadonlySet<string> = new Set(["process_exec", "process_exit"]);

/** Whether an event of a kind is told only where a selector asks for it. */
export function isAskedFor(kind: string): kind is Hook {
  return !ALWAYS_SEEN.has(kind) && (HOOKS as readonly string[]).includes(kind);
}

/** The post selectors by which agents see what is wanted. A selector has the same id for as long as it is the same. */
export function demandSelectors({ wants }: DesiredDemand): Selector[] {
  const selectors = new Map<string, Selector>();
  for (const [kind, { formula, for: names }] of Object.entries(wants)) {
    if (!isAskedFor(kind)) continue;
    for (const { match, nodes } of kernelFilter(formula, kind).any) {
      const id = `want-${kind}-${shortHash([JSON.stringify([match, nodes])]).slice(0, 12)}`;
      selectors.set(id, {
        ...{ id, hook: kind, action: "post", mode: "enforce", priority: 0, rate: null },
        ...{ match, scope: nodes === null ? {} : { nodes } },
        because: { reason: `wanted by ${names.join(", ")}` },
      });
    }
  }
  return [...selectors.values()];
}
