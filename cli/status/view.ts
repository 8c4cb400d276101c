import type { ControllerStatus } from "../../bus/types/controller-status.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";
import type { NodeStatus } from "../../bus/types/status.ts";

export interface BusView {
  url: string;
  version: string;
  /** What each stream keeps, from and to when (ms since the epoch; null when it is empty). */
  streams: { name: string; messages: number; from: number | null; to: number | null }[];
}

export interface StatusView {
  time: string;
  bus: BusView;
  nodes: NodeStatus[];
  engines: EngineStatus[];
  controller: ControllerStatus | null;
}

/** Sorts the entries of KV reeve_status by what they are. */
export function statusView(entries: readonly { key: string; value: unknown }[], bus: BusView, now: Date): StatusView {
  const view: StatusView = { time: now.toISOString(), bus, nodes: [], engines: [], controller: null };
  for (const { key, value } of [...entries].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    if (key.startsWith("node.")) view.nodes.push(value as NodeStatus);
    else if (key.startsWith("engine.")) view.engines.push(value as EngineStatus);
    else if (key === "controller") view.controller = value as ControllerStatus;
  }
  return view;
}
