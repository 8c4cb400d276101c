import type { ControllerStatus } from "../../bus/types/controller-status.ts";
import type { NodeStatus } from "../../bus/types/status.ts";

/** What an engine says of itself; every field may be missing in one of another version. */
export interface EngineView {
  name?: string;
  time?: string;
  state?: string;
  ruleset?: string | null;
  rules?: EngineRuleView[];
  counters?: Record<string, number>;
  losses?: Record<string, number>;
}

export interface EngineRuleView {
  id: string;
  state?: string;
  reason?: string | null;
  evaluations?: number;
  hits?: number;
  errors?: number;
  time_us?: number;
  last_alert?: string | null;
}

export interface StatusView {
  time: string;
  bus: { url: string };
  nodes: NodeStatus[];
  engines: EngineView[];
  controller: ControllerStatus | null;
}

/** Sorts the entries of KV reeve_status by what they are. */
export function statusView(entries: Record<string, unknown>, url: string, now: Date): StatusView {
  const view: StatusView = { time: now.toISOString(), bus: { url }, nodes: [], engines: [], controller: null };
  for (const [key, value] of Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (key.startsWith("node.")) view.nodes.push(value as NodeStatus);
    else if (key.startsWith("engine.")) view.engines.push({ name: key.slice("engine.".length), ...(value as object) });
    else if (key === "controller") view.controller = value as ControllerStatus;
  }
  return view;
}
