import type { Command } from "commander";
import { withConfigFlags, withRulesFlag } from "../config-options.ts";
import { outputOption } from "../output/format.ts";
import { withSettingFlags } from "../settings-options.ts";
import { verb } from "./verb.ts";

export function configVerb(): Command {
  const command = verb("config", "Print the configuration in force and where each value came from.", [
    "reeve config",
    "REEVE_BUS_PORT=4300 reeve config -o json",
    "reeve config -o yaml > reeve.yaml",
  ]).addOption(outputOption("table", "json", "yaml"));
  const flagged = withSettingFlags(withRulesFlag(withConfigFlags(command)));
  return flagged.action(async (flags: { output: "table" | "json" | "yaml" }) => {
    const [{ loadFor }, { configDocument, configTable }, { configToYaml }, { printLine }] = await Promise.all([
      import("../load.ts"),
      import("../config-text.ts"),
      import("../../bus/config/describe.ts"),
      import("../output/print.ts"),
    ]);
    const loaded = loadFor({ ...flags });
    if (flags.output === "json") await printLine(configDocument(loaded));
    else await printLine(flags.output === "yaml" ? configToYaml(loaded.config).trimEnd() : configTable(loaded));
  });
}
