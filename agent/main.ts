import { once } from "node:events";
import type { Server } from "node:http";
import { createLogger } from "../bus/log.ts";
import type { Config } from "../bus/config/settings.ts";
import { connect } from "../bus/connection.ts";
import type { BusStatus } from "../bus/status.ts";
import { keepHealth } from "../bus/health.ts";
import { reportReady } from "../bus/ready.ts";
import { Agent } from "./agent.ts";
import { AgentError } from "./errors.ts";
import { lockAgent } from "./lock.ts";
import { serveMetrics } from "./metrics.ts";
import { enterOwnCgroup, type OwnCgroup } from "./own-cgroup.ts";
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
  let own: OwnCgroup | undefined;
  try {
    const root = cgroup2Root();
    if (root !== undefined) own = enterOwnCgroup(root, config.agent.own_cgroup);
    const connection = await connect("agent", config, {
      wait: 0,
      onStatus: (status) => log.info(status, busText(status)),
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
    own?.leave();
    lock.release();
  }
}

/** `bus: connected 127.0.0.1:4222`, `bus: retrying: the bus cannot be reached`. */
function busText(status: BusStatus): string {
  if (status.type === "connected") return `bus: connected ${status.url}`;
  if (status.type === "refused") return `bus: refused ${status.operation} on ${status.subject}`;
  return `bus: ${status.type}${"reason" in status ? `: ${status.reason}` : ""}`;
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
  let metrics: Server | undefined;
  let stopHealth = (): void => {};
  try {
    if (port !== 0) metrics = await serveMetrics(port, () => agent.metrics());
    agent.start();
    running(agent.hooks.attached);
    reportReady({ hooks: agent.hooks.attached, epoch: agent.epoch });
    // It does its work without the bus too.
    stopHealth = keepHealth(() => null);
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    stopHealth();
    metrics?.close();
    await agent.stop();
    process.off(DISARM_SIGNAL, disarm);
  }
}
