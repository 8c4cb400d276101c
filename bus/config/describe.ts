import { stringify } from "yaml";
import { place, type LoadedConfig } from "./load.ts";
import { NAMED_SETTINGS, type Config } from "./settings.ts";

/** One setting as `reeve config` prints it; `value` in its written form ("24h", "1GB"). */
export interface DescribedSetting {
  name: string;
  value: unknown;
  source: string;
  env: string;
  flag: string;
  help: string;
}

/** Every setting with what is in force and where it came from, in the order of the documentation. */
export function describeConfig(loaded: Pick<LoadedConfig, "config" | "sources">): DescribedSetting[] {
  return NAMED_SETTINGS.map(({ name, env, flag, setting }) => ({
    name,
    value: setting.write(valueOf(loaded.config, name)),
    source: loaded.sources.get(name) ?? "default",
    env,
    flag,
    help: setting.help,
  }));
}

/** All values in force as a reeve.yaml that `loadConfig` reads back to the same. */
export function configToYaml(config: Config): string {
  const written: Record<string, unknown> = {};
  for (const { name, setting } of NAMED_SETTINGS) place(written, name, setting.write(valueOf(config, name)));
  return stringify(written);
}

function valueOf(config: Config, name: string): unknown {
  let value: unknown = config;
  for (const key of name.split(".")) value = (value as Record<string, unknown>)[key];
  return value;
}
