import type { Server } from "node:http";
import { serveMetricsText } from "../bus/metrics-server.ts";
import type { Filtered, SelectorCounters } from "../bus/types/status.ts";
import type { ProgramStats } from "./kernel/program-stats.ts";

export interface Snapshot {
  counters: Record<string, number>;
  losses: Record<string, number>;
  gauges: Record<string, number>;
}

export interface Metrics extends Snapshot {
  selectors: { entry: string; id: string; counters: SelectorCounters }[];
  programs: ProgramStats[];
  filtered: Filtered;
}

/**
 * Serves the agent's numbers to Prometheus on loopback; loads the client only when it is asked for.
 * @throws BusError `metrics` when the port cannot be had
 */
export async function serveMetrics(port: number, metrics: () => Metrics): Promise<Server> {
  const { Counter, Gauge, Registry, collectDefaultMetrics } = await import("prom-client");
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "reeve_agent_" });
  const counter = new Counter({
    name: "reeve_agent_total",
    help: "What the agent has counted since it started",
    labelNames: ["what"],
    registers: [registry],
  });
  const lost = new Counter({
    name: "reeve_agent_lost_events_total",
    help: "Events lost, by reason and kind",
    labelNames: ["reason", "kind"],
    registers: [registry],
  });
  const gauge = new Gauge({
    name: "reeve_agent_now",
    help: "What the agent holds now",
    labelNames: ["what"],
    registers: [registry],
  });
  const selector = new Counter({
    name: "reeve_agent_selector_total",
    help: "What each selector has done: hits, would_deny, denied, undecided, rate_limited",
    labelNames: ["entry", "selector", "what"],
    registers: [registry],
  });
  const filtered = new Counter({
    name: "reeve_agent_filtered_events_total",
    help: "Events that nobody wanted, by kind, and the tier that left them out: kernel, agent",
    labelNames: ["tier", "kind"],
    registers: [registry],
  });
  const runs = new Counter({
    name: "reeve_agent_program_runs_total",
    help: "Runs of each eBPF program; 0 while kernel.bpf_stats_enabled is 0",
    labelNames: ["program"],
    registers: [registry],
  });
  const seconds = new Counter({
    name: "reeve_agent_program_seconds_total",
    help: "Time that each eBPF program ran; 0 while kernel.bpf_stats_enabled is 0",
    labelNames: ["program"],
    registers: [registry],
  });
  const read = (): void => {
    const { counters, losses, gauges, selectors, programs, filtered: left } = metrics();
    for (const one of [counter, lost, selector, filtered, runs, seconds]) one.reset();
    for (const { entry, id, counters: counted } of selectors)
      for (const [what, value] of Object.entries(counted)) selector.inc({ entry, selector: id, what }, value);
    for (const [tier, kinds] of Object.entries(left) as [string, Record<string, number>][])
      for (const [kind, value] of Object.entries(kinds)) filtered.inc({ tier, kind }, value);
    for (const { name, runs: count, ns } of programs) {
      runs.inc({ program: name }, count);
      seconds.inc({ program: name }, ns / 1e9);
    }
    for (const [what, value] of Object.entries(counters)) counter.inc({ what }, value);
    for (const [key, value] of Object.entries(losses)) {
      const [reason, kind] = key.split(".");
      lost.inc({ reason: reason ?? "", kind: kind ?? "" }, value);
    }
    for (const [what, value] of Object.entries(gauges)) gauge.set({ what }, value);
  };
  return serveMetricsText(port, "agent.metrics_port", {
    contentType: registry.contentType,
    text: () => {
      read();
      return registry.metrics();
    },
  });
}
