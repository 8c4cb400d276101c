import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../bus/config/settings.ts";
import type { LoadedConfig } from "../bus/config/load.ts";
import { loadFor } from "./load.ts";
import type { Flags } from "./load.ts";
import { repoDir } from "./repo.ts";
import { isUpRunning } from "./up/instance-lock.ts";

/** Where docker-compose.yml puts what `reeve` on the host needs. */
const COMPOSE_DIR = "deploy/run";

/**
 * The configuration of a verb that asks a running Reeve. Where nothing says which one, and no `reeve up` runs here, that is the
 * one that docker-compose.yml of this tree started, if it did.
 */
export function loadForOperator(flags: Flags, dir = join(repoDir(), COMPOSE_DIR)): LoadedConfig {
  const loaded = loadFor(flags);
  const said = ["run_dir", "instance", "bus.url", "bus.credentials_dir"].some(
    (name) => loaded.sources.get(name) !== "default",
  );
  if (said || isUpRunning(loaded.config.run_dir) || !existsSync(join(dir, "bus.json"))) return loaded;
  return { ...loaded, config: inComposeDir(loaded.config, dir) };
}

function inComposeDir(config: Config, dir: string): Config {
  return { ...config, run_dir: dir, bus: { ...config.bus, credentials_dir: join(dir, "credentials") } };
}
