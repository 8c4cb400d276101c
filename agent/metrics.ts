import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { AgentError } from "./errors.ts";

export interface Snapshot {
  counters: Record<string, number>;
  losses: Record<string, number>;
  gauges: Record<string, number>;
}

/**
 * Serves the agent's numbers to Prometheus on loopback; loads the client only when it is asked for.
 * @throws AgentError `metrics` when the port cannot be had
 */
export async function serveMetrics(port: number, snapshot: () => Snapshot): Promise<Server> {
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
  const server = createServer((request, response) => {
    if (request.url !== "/metrics") {
      response.writeHead(404).end("metrics are at /metrics\n");
      return;
    }
    const { counters, losses, gauges } = snapshot();
    counter.reset();
    lost.reset();
    for (const [what, value] of Object.entries(counters)) counter.inc({ what }, value);
    for (const [key, value] of Object.entries(losses)) {
      const [reason, kind] = key.split(".");
      lost.inc({ reason: reason ?? "", kind: kind ?? "" }, value);
    }
    for (const [what, value] of Object.entries(gauges)) gauge.set({ what }, value);
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === "EADDRINUSE";
    const why = taken ? "is taken" : `cannot be listened on: ${(cause as Error).message}`;
    const allowed = "allowed: a free port, or 0 for none";
    throw new AgentError("metrics", `agent.metrics_port: port ${port} on 127.0.0.1 ${why} (${allowed})`, cause);
  }
  server.unref();
  return server;
}
