import { ALWAYS_SEEN, isAskedFor } from "../../bus/demand/selectors.ts";
import type { OperatorBus } from "../../bus/clients/operator.ts";
import type { NodeStatus } from "../../bus/types/status.ts";
import { askController } from "../operator.ts";
import { readStatus } from "../status/read.ts";
import type { LiveRule } from "./list.ts";

/** What the tiers of a running Reeve do for a rule now. */
export interface LiveTiers {
  /** Null when no engine has it. */
  rule: LiveRule | null;
  nodes: NodeStatus[];
}

/** Null when no controller answers. */
export async function readLive(bus: OperatorBus, id: string): Promise<LiveTiers | null> {
  try {
    const { rules } = await askController<{ rules: LiveRule[] }>(bus, "rules.list");
    const { nodes } = await readStatus(bus, new Date());
    const alive = nodes.filter(({ state }) => state === "running" || state === "disarmed");
    return { rule: rules.find((rule) => rule.id === id) ?? null, nodes: alive };
  } catch {
    return null;
  }
}

/** What each tier does now with events of a kind, as rows of a table. */
export function liveRows(live: LiveTiers, kind: string): [string, string][] {
  const { rule, nodes } = live;
  if (rule === null) return [["now", "not in force: no engine has it"]];
  const { active, of, missing } = rule.nodes;
  const first = missing[0] === undefined ? "" : `; not on ${missing[0].node}: ${missing[0].reason}`;
  return [
    ["now", `active on ${active}/${of} nodes${first}`],
    ["kernel now", kernelNow(nodes, kind)],
    ["agent now", agentNow(nodes, kind)],
    ["engine now", `${rule.evaluations} evaluations, ${rule.hits} findings since it started`],
  ];
}

function kernelNow(nodes: readonly NodeStatus[], kind: string): string {
  if (!isAskedFor(kind)) return "lets all of them through";
  const hooks = nodes.flatMap((node) => node.hooks.filter((hook) => hook.hook === kind && hook.attached));
  const told = sum(hooks.map(({ events_per_s: rate = 0 }) => rate));
  const seen = sum(hooks.map(({ seen_per_s: rate = 0 }) => rate));
  const left = sum(nodes.map(({ filtered }) => filtered?.kernel[kind] ?? 0));
  return `attached on ${hooks.length}/${nodes.length} nodes, ${told} of ${seen} events/s come through, ${left} left out so far`;
}

function agentNow(nodes: readonly NodeStatus[], kind: string): string {
  const kept = ALWAYS_SEEN.has(kind) ? nodes.filter(({ history }) => history?.includes(kind)).length : 0;
  const left = sum(nodes.map(({ filtered }) => filtered?.agent[kind] ?? 0));
  if (kept === nodes.length && kept > 0) return "sends all of them: they are kept for history (agent.history)";
  const all = kept === 0 ? "" : `; ${kept}/${nodes.length} nodes send all, for history`;
  return `${left} left out so far${all}`;
}

function sum(values: readonly number[]): number {
  return Math.round(values.reduce((total, value) => total + value, 0) * 100) / 100;
}
