import { isAskedFor } from "../../bus/demand/selectors.ts";
import type { NodeStatus } from "../../bus/types/status.ts";

/** On how many nodes a rule is active, of all that have said something lately; and the first that it is not active on, and why. */
export interface RuleNodes {
  active: number;
  of: number;
  missing: { node: string; reason: string }[];
}

/** A node that said nothing for so long is gone. */
const GONE_MS = 30_000;
const MISSING_MAX = 20;

/**
 * A rule is active on a node once the node lets through what the rule wants: its rule set is told there, and the hooks of its
 * kinds are attached.
 */
export function ruleNodes(
  statuses: ReadonlyMap<string, unknown>,
  rule: { on: readonly string[] },
  ruleset: string | null,
  now: number,
): RuleNodes {
  const found: RuleNodes = { active: 0, of: 0, missing: [] };
  for (const [key, value] of statuses) {
    const status = value as Partial<NodeStatus> | null;
    if (!key.startsWith("node.") || status === null || typeof status !== "object") continue;
    if (status.state === "stopping" || now - Date.parse(status.time ?? "") > GONE_MS) continue;
    found.of++;
    const reason = lackOf(status, rule.on, ruleset);
    if (reason === null) found.active++;
    else if (found.missing.length < MISSING_MAX) found.missing.push({ node: status.node ?? key, reason });
  }
  return found;
}

/** Why a rule is not active on a node; null when it is. */
function lackOf(status: Partial<NodeStatus>, on: readonly string[], ruleset: string | null): string | null {
  if (status.state === "starting") return "its agent starts";
  if (ruleset === null || status.rulesets?.includes(ruleset) !== true) return "it does not know the rule set yet";
  for (const kind of on) {
    if (!isAskedFor(kind)) continue;
    if (status.state === "disarmed") return "it is disarmed";
    const hook = status.hooks?.find((it) => it.hook === kind);
    if (hook?.attached !== true) return `${kind} is not attached: ${hook?.detail ?? "there is no such hook"}`;
    const refused = status.refused?.find(({ selector }) => selector.startsWith(`want-${kind}-`));
    if (refused !== undefined) return `a filter for ${kind} is refused: ${refused.reason}`;
  }
  return null;
}
