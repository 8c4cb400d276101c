import { EngineBus } from "../bus/clients/engine.ts";
import type { Config } from "../bus/config/settings.ts";
import { connect } from "../bus/connection.ts";
import { keepHealth } from "../bus/health.ts";
import { createLogger } from "../bus/log.ts";
import { reportReady } from "../bus/ready.ts";
import { busPort } from "./engine/bus-port.ts";
import { Engine } from "./engine/engine.ts";
import { Ownership } from "./engine/ownership.ts";
import { parsePartitions } from "./engine/partitions.ts";

const VERSION = "0.1.0";

/**
 * Runs a rules engine until the signal aborts: rule sets and events come from the bus, findings, decisions and its status go
 * there. It is ready with the first rule set.
 * @throws BusError when the bus does not let it in; EngineError when the configuration cannot be
 */
export async function runEngine(config: Config, signal: AbortSignal): Promise<void> {
  const partitions = parsePartitions(config.engine.partitions);
  const log = createLogger("engine", config.log.level);
  const name = config.engine.name;
  const connection = await connect("engine", config, { wait: 30_000 });
  const bus = new EngineBus(connection);
  const engine = new Engine(
    busPort(bus, name, new Ownership(bus, name, partitions, log)),
    {
      ...{ name, version: VERSION, node: config.node },
      config: { enforce: config.enforce },
      memoryMb: config.engine.memory_mb,
      watchdogMs: config.engine.watchdog_ms,
    },
    log,
  );
  let stopHealth = (): void => {};
  try {
    await engine.run(signal, (ruleset) => {
      log.info({ ruleset, partitions: config.engine.partitions }, "the engine runs");
      reportReady({ ruleset });
      stopHealth = keepHealth(() => (connection.connected ? null : "the bus is away"));
    });
  } finally {
    stopHealth();
    await bus.close();
  }
}
