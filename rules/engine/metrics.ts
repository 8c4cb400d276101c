import type { Registry } from "prom-client";
import { serveMetricsText } from "../../bus/metrics-server.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";

/** What is measured: the engine. */
export interface Measured {
  status(): EngineStatus;
  readonly open: { windows: number; threads: number; connected: number; partitions: number };
}

/**
 * Serves the engine's numbers to Prometheus on loopback, and returns how to end it; loads the client only when it is asked for.
 * @throws BusError `metrics` when the port cannot be had
 */
export async function serveMetrics(port: number, engine: Measured): Promise<() => void> {
  const { registry, read } = await makeRegistry();
  const server = await serveMetricsText(port, "engine.metrics_port", {
    contentType: registry.contentType,
    text: () => {
      read(engine);
      return registry.metrics();
    },
  });
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

async function makeRegistry(): Promise<{ registry: Registry; read: (engine: Measured) => void }> {
  const { Counter, Gauge, Registry, collectDefaultMetrics } = await import("prom-client");
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "reeve_engine_" });
  const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const total = counter("reeve_engine_total", "What the engine has counted since it started", ["what"]);
  const rule = {
    evaluations: counter("reeve_rule_evaluations_total", "Evaluations of a rule or policy", ["rule", "kind"]),
    hits: counter("reeve_rule_hits_total", "Evaluations that found something", ["rule", "kind"]),
    errors: counter("reeve_rule_errors_total", "Evaluations that failed", ["rule", "kind"]),
    seconds: counter("reeve_rule_seconds_total", "Time that its evaluation took", ["rule", "kind"]),
  };
  const gauge = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const now = gauge("reeve_engine_now", "What the engine holds now", ["what"]);
  const active = gauge("reeve_rule_active", "1: the rule is evaluated; 0: it was disabled", ["rule", "kind"]);
  const info = gauge("reeve_engine_ruleset", "1 for the rule set in force", ["digest"]);
  const read = (engine: Measured): void => {
    const { counters, rules, ruleset } = engine.status();
    for (const metric of [total, ...Object.values(rule), active, info]) metric.reset();
    for (const [what, count] of Object.entries(counters)) total.inc({ what }, count);
    for (const { id, kind, evaluations, hits, errors, time_us, state } of rules) {
      const labels = { rule: id, kind };
      rule.evaluations.inc(labels, evaluations);
      rule.hits.inc(labels, hits);
      rule.errors.inc(labels, errors);
      rule.seconds.inc(labels, time_us / 1e6);
      active.set(labels, state === "active" ? 1 : 0);
    }
    for (const [what, value] of Object.entries(engine.open)) now.set({ what }, value);
    if (ruleset !== null) info.set({ digest: ruleset }, 1);
  };
  return { registry, read };
}
