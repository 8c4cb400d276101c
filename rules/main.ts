import { availableParallelism } from "node:os";
import { EngineBus } from "../bus/clients/engine.ts";
import type { Config } from "../bus/config/settings.ts";
import { connect } from "../bus/connection.ts";
import { keepHealth } from "../bus/health.ts";
import { createLogger } from "../bus/log.ts";
import { reportReady } from "../bus/ready.ts";
import { Engine } from "./engine/engine.ts";
import { serveMetrics } from "./engine/metrics.ts";

const VERSION = "0.1.0";

/**
 * Runs a rules engine until the signal aborts: rule sets and events come from the bus, findings, decisions and its status go
 * there. It is ready with the first rule set.
 * @throws BusError when the bus does not let it in; EngineError when the configuration cannot be
 */
export async function runEngine(config: Config, signal: AbortSignal): Promise<void> {
  const log = createLogger("engine", config.log.level);
  const bus = new EngineBus(await connect("engine", config, { wait: 30_000 }));
  let stopHealth = (): void => {};
  let stopMetrics = (): void => {};
  try {
    const threads = config.engine.workers === 0 ? Math.max(1, availableParallelism() - 1) : config.engine.workers;
    const engine = new Engine(bus, { config, version: VERSION, threads }, log);
    if (config.engine.metrics_port !== 0) stopMetrics = await serveMetrics(config.engine.metrics_port, engine);
    await engine.run(signal, (ruleset) => {
      log.info({ ruleset, threads, partitions: config.engine.partitions }, "the engine runs");
      reportReady({ ruleset });
      stopHealth = keepHealth(() => unwell(bus.bus.connected, engine.open.threads));
    });
  } finally {
    stopHealth();
    stopMetrics();
    await bus.close();
  }
}

function unwell(connected: boolean, threads: number): string | null {
  if (!connected) return "the bus is away";
  return threads === 0 ? "no evaluation thread runs" : null;
}
