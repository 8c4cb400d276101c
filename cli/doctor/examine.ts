import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Config } from "../../bus/config/settings.ts";
import type { NodeStatus } from "../../bus/types/status.ts";
import { connectOperator } from "../operator.ts";
import { repoDir } from "../repo.ts";
import { statusView } from "../status/view.ts";
import { cgroupCheck, cgroupFacts } from "./cgroups.ts";
import { connectCgroupCheck } from "./connect-cgroup.ts";
import { missing, ok, unknown } from "./check.ts";
import type { Check } from "./check.ts";
import { kernelChecks } from "./kernel.ts";
import { rungChecks } from "./rungs.ts";
import { fileLimit, toolChecks } from "./tools.ts";

/** All checks, in the order in which they are shown. Never throws: what cannot be looked at is a check that says so. */
export async function examine(config: Config): Promise<Check[]> {
  const cgroups = cgroupFacts();
  const checks = [...kernelChecks(), cgroupCheck(cgroups), ...toolChecks(repoDir(), config.bus.url === "")];
  const canLoad = checks.every((check) => check.state === "ok" || !["libbpf", "BPF objects"].includes(check.name));
  checks.push(...(await rungChecks(canLoad)), ...connectCgroupCheck(cgroups.v2, config.agent.cgroup));
  checks.push(...(await busChecks(config)), fileLimit());
  return checks;
}

/** Required only where a bus of one's own is named; else `reeve up` starts one. */
async function busChecks(config: Config): Promise<Check[]> {
  const given = config.bus.url !== "";
  const file = join(config.run_dir, "bus.json");
  if (!given && !existsSync(file)) {
    const free = await portIsFree(config.bus.port);
    const where = free ? `port ${config.bus.port}` : `a free port: ${config.bus.port} is taken`;
    return [ok("bus", `reeve up will start one at ${where}`)];
  }
  try {
    const bus = await connectOperator(config);
    const { url, version } = bus.serverInfo();
    const entries = await bus.readStatus();
    await bus.close();
    const { nodes } = statusView(entries, { url, version, streams: [] }, new Date());
    return [ok("bus", `answers at ${url}, nats-server ${version}`), ...hookChecks(nodes, config.node)];
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (process.getuid?.() !== 0)
      return [unknown("bus", message, "run it as root: the operator's credentials are root's", given)];
    if (given)
      return [missing("bus", `${config.bus.url}: ${message}`, "start it, or leave --nats out: reeve up starts one")];
    const { url } = JSON.parse(readFileSync(file, "utf8")) as { url: string };
    return [ok("bus", `not running now; reeve up starts it again (${url})`)];
  }
}

/** What the agent of this node could not attach, and why: it knows better than any trial. */
export function hookChecks(nodes: readonly NodeStatus[], node: string): Check[] {
  const hooks = nodes.find((it) => it.node === node && it.state !== "stopping")?.hooks ?? [];
  return hooks
    .filter((hook) => !hook.attached || !hook.can_deny)
    .map((hook) => {
      const what = hook.attached ? "observes only" : "not attached";
      const why = hook.detail ?? "it did not say why";
      return missing(`${hook.hook} now`, `the agent that runs: ${what}: ${why}`, "reeve status has the rest", false);
    });
}

function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
