import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Config } from "../../bus/config/settings.ts";
import { connectOperator } from "../operator.ts";
import { repoDir } from "../repo.ts";
import { cgroupCheck, cgroupFacts } from "./cgroups.ts";
import { missing, ok, unknown } from "./check.ts";
import type { Check } from "./check.ts";
import { kernelChecks } from "./kernel.ts";
import { rungChecks } from "./rungs.ts";
import { fileLimit, toolChecks } from "./tools.ts";

/** All checks, in the order in which they are shown. Never throws: what cannot be looked at is a check that says so. */
export async function examine(config: Config): Promise<Check[]> {
  const checks = [...kernelChecks(), cgroupCheck(cgroupFacts()), ...toolChecks(repoDir(), config.bus.url === "")];
  const canLoad = checks.every((check) => check.state === "ok" || !["libbpf", "BPF objects"].includes(check.name));
  checks.push(...(await rungChecks(canLoad)));
  checks.push(await busCheck(config), fileLimit());
  return checks;
}

/** Required only where a bus of one's own is named; else `reeve up` starts one. */
async function busCheck(config: Config): Promise<Check> {
  const given = config.bus.url !== "";
  const file = join(config.run_dir, "bus.json");
  if (!given && !existsSync(file)) {
    const free = await portIsFree(config.bus.port);
    return ok(
      "bus",
      `reeve up will start one at ${free ? `port ${config.bus.port}` : `a free port: ${config.bus.port} is taken`}`,
    );
  }
  try {
    const bus = await connectOperator(config);
    const { url, version } = bus.serverInfo();
    await bus.close();
    return ok("bus", `answers at ${url}, nats-server ${version}`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (process.getuid?.() !== 0)
      return unknown("bus", message, "run it as root: the operator's credentials are root's", given);
    if (given)
      return missing("bus", `${config.bus.url}: ${message}`, "start it, or leave --nats out: reeve up starts one");
    return ok(
      "bus",
      `not running now; reeve up starts it again (${JSON.parse(readFileSync(file, "utf8")).url as string})`,
    );
  }
}

function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
