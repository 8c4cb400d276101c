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

export interface BusView {
  url: string;
  version: string;
  streams: { name: string; messages: number; bytes: number; last: number }[];
}

export interface StatusView {
  time: string;
  bus: BusView;
  nodes: NodeStatus[];
  engines: EngineView[];
  controller: ControllerStatus | null;
}

/** Sorts the entries of KV reeve_status by what they are. */
export function statusView(entries: readonly { key: string; value: unknown }[], bus: BusView, now: Date): StatusView {
  const view: StatusView = { time: now.toISOString(), bus, nodes: [], engines: [], controller: null };
  for (const { key, value } of [...entries].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    if (key.startsWith("node.")) view.nodes.push(value as NodeStatus);
    else if (key.startsWith("engine.")) view.engines.push({ name: key.slice("engine.".length), ...(value as object) });
    else if (key === "controller") view.controller = value as ControllerStatus;
  }
  return view;
}
