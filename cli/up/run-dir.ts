import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configToYaml } from "../../bus/config/describe.ts";
import type { Config } from "../../bus/config/settings.ts";

/** Makes the run directory: its own files for root, a temporary directory for the processes without rights. */
export function makeRunDir(config: Config): void {
  const { uid, gid } = config.user;
  mkdirSync(config.run_dir, { recursive: true });
  chmodSync(config.run_dir, 0o755);
  mkdirSync(config.data_dir, { recursive: true });
  chmodSync(config.data_dir, 0o755);
  const temporary = join(config.run_dir, "tmp");
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { mode: 0o700 });
  chownSync(temporary, uid, gid);
}

/** Writes the configuration in force for the children, who may read it and nobody else; returns the file. */
export function writeConfig(config: Config): string {
  const file = join(config.run_dir, "config.yaml");
  writeFileSync(file, configToYaml(config), { mode: 0o640 });
  chmodSync(file, 0o640);
  chownSync(file, 0, config.user.gid);
  return file;
}
