import type { Command } from "commander";
import { Option } from "commander";
import { NAMED_SETTINGS } from "../bus/config/settings.ts";

/** Adds a flag for every setting, in a group of their own in the help; those that a verb has already stay as they are. */
export function withSettingFlags(command: Command): Command {
  const there = new Set(command.options.map((option) => option.long));
  for (const { flag, setting } of NAMED_SETTINGS) {
    if (there.has(flag)) continue;
    const value = setting.schema["type"] === "boolean" ? "[value]" : "<value>";
    const option = new Option(`${flag} ${value}`, setting.help).helpGroup("Settings (each also in reeve.yaml):");
    command.addOption(option);
  }
  return command;
}
