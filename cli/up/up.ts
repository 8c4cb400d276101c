import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../bus/config/settings.ts";
import type { OperatorBus } from "../../bus/clients/operator.ts";
import type { Alert } from "../../bus/types/alert.ts";
import { findServer, prepareServer } from "../../bus/server/prepare.ts";
import { requireRoot } from "../errors.ts";
import { loadFor } from "../load.ts";
import type { Flags } from "../load.ts";
import { connectOperator } from "../operator.ts";
import { alertLine } from "../output/alert-line.ts";
import { streamItem } from "../output/format.ts";
import { paintFor } from "../output/paint.ts";
import { note, printLine } from "../output/print.ts";
import { repoDir } from "../repo.ts";
import { readStatus } from "../status/read.ts";
import type { StatusView } from "../status/view.ts";
import { interruption } from "../stream/interrupt.ts";
import { greeted } from "./bus-probe.ts";
import { welcome } from "./welcome.ts";
import { InstanceLock } from "./instance-lock.ts";
import { provisionBus } from "./provision-bus.ts";
import { OwnCgroup } from "./own-cgroup.ts";
import { Parts } from "./parts.ts";
import { makeRunDir, writeConfig } from "./run-dir.ts";
import { Supervisor } from "./supervisor.ts";
import { arrangeView, realDirectory } from "./view.ts";

/** How long the opening lines wait for the agent's and the engine's first status. */
const ORIENT_MS = 20_000;

/** `reeve up`: everything on this host, until Ctrl-C or SIGTERM. Throws when it cannot start; then nothing is left running. */
export async function up(flags: Flags & { output: "text" | "json" }): Promise<void> {
  requireRoot("up", "it loads eBPF programs, makes a cgroup, and starts the other parts under a user of their own");
  const { config } = loadFor(flags);
  // Looked at before anything is made on this host.
  for (const dir of config.rules.dirs) realDirectory(dir);
  const signal = interruption();
  const undo: (() => unknown)[] = [];
  try {
    const lock = InstanceLock.take(config.run_dir);
    undo.push(() => lock.release());
    makeRunDir(config);
    const cgroup = await OwnCgroup.enter(config.agent.own_cgroup);
    undo.push(() => cgroup.leave());
    await runAll(config, flags.output, signal, undo);
  } catch (error) {
    // What was interrupted while it started has done what it was told.
    if (!signal.aborted) throw error;
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

async function runAll(
  config: Config,
  output: "text" | "json",
  signal: AbortSignal,
  undo: (() => unknown)[],
): Promise<void> {
  const say = (line: string): void => note(`reeve: ${line}`);
  const repo = repoDir();
  const own = config.bus.url === "";
  const view = await arrangeView({
    ...{ repo, rulesDirs: config.rules.dirs, runDir: config.run_dir, dataDir: config.data_dir, say },
    programs: own ? [process.execPath, findServer()] : [process.execPath],
  });
  undo.push(() => view.close());
  const supervisor = new Supervisor({ logDir: `${config.run_dir}/log`, say });
  undo.push(() => supervisor.stop());
  signal.addEventListener("abort", () => void supervisor.stop(), { once: true });
  const parts = new Parts({ config, repo, configFile: writeConfig(config), view });
  if (own) {
    const server = await prepareServer({ config });
    if (server.moved) say(`port ${config.bus.port} is taken: the bus is at ${server.url}`);
    await supervisor.start(parts.busServer(server.command, (gone) => greeted(server.url, gone)));
  }
  await provisionBus(config, own, say);
  await Promise.all([parts.agent(), parts.controller(), parts.engine()].map((part) => supervisor.start(part)));
  const bus = await connectOperator(config);
  undo.push(() => bus.close());
  await printAlerts(bus, config, output, signal);
}

/** The opening lines, then alerts until the signal. The subscription is there before the lines are. */
async function printAlerts(
  bus: OperatorBus,
  config: Config,
  output: "text" | "json",
  signal: AbortSignal,
): Promise<void> {
  const paint = paintFor(process.stdout);
  const show = (alert: Alert): string => (output === "json" ? streamItem(alert, "json") : alertLine(alert, paint));
  // An alert that comes before the opening lines waits for them.
  const opened = Promise.withResolvers<void>();
  let printed: Promise<void> = opened.promise;
  const stop = bus.subscribeAlerts((alert) => {
    printed = printed.then(() => printLine(show(alert)));
  });
  for (const line of welcome(await firstStatus(bus, config, signal), config, paint)) {
    if (output === "json") note(line);
    else await printLine(line);
  }
  opened.resolve();
  if (!signal.aborted) await once(signal, "abort");
  stop();
  await printed;
}

/** Status once agent and engine have said theirs and the engine has rules, or what there is when time is up. */
async function firstStatus(bus: OperatorBus, config: Config, signal: AbortSignal): Promise<StatusView> {
  const end = performance.now() + ORIENT_MS;
  for (;;) {
    const status = await readStatus(bus, new Date());
    const node = status.nodes.find((it) => it.node === config.node);
    const live = status.engines.some((engine) => engine.ruleset);
    const runs = node?.state === "running" || node?.state === "disarmed";
    if ((runs && live) || performance.now() > end || signal.aborted) return status;
    await sleep(100, undefined, { signal }).catch(() => {});
  }
}
