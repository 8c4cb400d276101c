import { loadConfigWithSources } from "../bus/config/load.ts";
import type { LoadedConfig } from "../bus/config/load.ts";
import { NAMED_SETTINGS } from "../bus/config/settings.ts";

/** What commander read for the flags of config-options.ts and settings-options.ts. */
export type Flags = Record<string, unknown>;

/** Short flags of verbs, by the setting that they are. */
const SHORT: Record<string, string> = {
  instance: "instance",
  nats: "bus.url",
  node: "node",
  rules: "rules.dirs",
  enforce: "enforce",
};

/** The configuration in force for a verb's flags. Throws ConfigError with every problem found. */
export function loadFor(flags: Flags): LoadedConfig {
  const given: Record<string, unknown> = {};
  for (const { name, flag } of NAMED_SETTINGS) {
    const value = flags[optionName(flag)];
    if (value !== undefined) given[name] = value;
  }
  for (const [short, name] of Object.entries(SHORT)) if (flags[short] !== undefined) given[name] = flags[short];
  const file = typeof flags["config"] === "string" ? flags["config"] : null;
  return loadConfigWithSources(given, process.env, file);
}

/** `--bus-monitor-port` as commander names it: `busMonitorPort`. */
export function optionName(flag: string): string {
  return flag.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
