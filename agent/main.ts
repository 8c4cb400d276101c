import { once } from "node:events";
import { createLogger } from "../bus/log.ts";
import type { Config } from "../bus/config/settings.ts";
import { connect } from "../bus/connection.ts";
import { reportReady } from "../bus/ready.ts";
import { Agent } from "./agent.ts";
import { AgentError } from "./errors.ts";
import { lockAgent } from "./lock.ts";
import { serveMetrics } from "./metrics.ts";
import { enterOwnCgroup } from "./own-cgroup.ts";
import { cgroup2Root } from "./process/cgroups.ts";

/** SIGUSR1 is taken: it starts Node's debugger. */
const DISARM_SIGNAL = "SIGUSR2";

/**
 * Runs the node agent until `signal` aborts; resolves after its clean stop. It runs without a bus as well, and sends when
 * one comes.
 * @throws AgentError, KernelError (coded) when it cannot start.
 */
export async function runAgent(config: Config, signal: AbortSignal): Promise<void> {
  if (process.getuid?.() !== 0) throw new AgentError("rights", "the agent must run as root: it loads eBPF programs");
  const log = createLogger("agent", config.log.level, { node: config.node });
  const lock = await lockAgent(config.run_dir, config.instance);
  try {
    const root = cgroup2Root();
    if (root !== undefined) enterOwnCgroup(root, config.agent.own_cgroup);
    const connection = await connect("agent", config, {
      wait: 0,
      onStatus: (status) => log.info(status, "bus"),
    });
    let agent: Agent;
    try {
      agent = new Agent(config, connection, log);
    } catch (error) {
      await connection.close();
      throw error;
    }
    await runUntil(signal, agent, config, (hooks) => log.info({ hooks, epoch: agent.epoch }, "running"));
    log.info("stopped");
  } finally {
    lock.release();
  }
}

async function runUntil(
  signal: AbortSignal,
  agent: Agent,
  config: Config,
  running: (hooks: unknown) => void,
): Promise<void> {
  const disarm = () => agent.disarm();
  process.on(DISARM_SIGNAL, disarm);
  const port = config.agent.metrics_port;
  const metrics = port === 0 ? undefined : await serveMetrics(port, () => agent.metrics());
  try {
    agent.start();
    running(agent.hooks.attached);
    reportReady({ hooks: agent.hooks.attached, epoch: agent.epoch });
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    metrics?.close();
    await agent.stop();
    process.off(DISARM_SIGNAL, disarm);
  }
}
