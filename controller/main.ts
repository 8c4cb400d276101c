import type { Config } from "../bus/config/settings.ts";
import { createLogger } from "../bus/log.ts";
import { connectController } from "./connect.ts";
import { type ControllerOptions, serveController } from "./serve.ts";

export type { ControllerOptions } from "./serve.ts";

/**
 * The controller: takes decisions into the desired state, ends leases, answers control requests, and keeps the rule set
 * equal to the rule directories. Resolves after a clean stop on `signal`; throws a coded error when it cannot start.
 */
export async function runController(config: Config, signal: AbortSignal, options: ControllerOptions): Promise<void> {
  const log = createLogger("controller", config.log.level);
  const bus = await connectController(config, log);
  try {
    await serveController(bus, config, signal, { ...options, log });
  } finally {
    await bus.close();
  }
}
