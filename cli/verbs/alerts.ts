import { Option } from "commander";
import type { Command } from "commander";
import { SEVERITIES } from "../../bus/types/alert.ts";
import { withConfigFlags } from "../config-options.ts";
import { outputOption } from "../output/format.ts";
import { withStreamFlags } from "../stream/options.ts";
import type { StreamFlags } from "../stream/options.ts";
import { collect, verb } from "./verb.ts";

interface AlertFlags extends StreamFlags {
  rule?: string[];
  severity?: (typeof SEVERITIES)[number];
}

export function alertsVerb(): Command {
  const command = verb("alerts", "Print alerts as they are raised.", [
    "reeve alerts",
    "reeve alerts --severity high --since 24h --no-follow",
    "reeve alerts -o json | jq .message",
  ])
    .addOption(outputOption("text", "json", "yaml"))
    .option("--rule <id>", "of this rule; repeatable", collect)
    .addOption(new Option("--severity <severity>", "this severe, or more").choices(SEVERITIES));
  return withConfigFlags(withStreamFlags(command)).action(async (flags: AlertFlags) => {
    const [{ runStream }, { alertLine }, { paintFor }] = await Promise.all([
      import("../stream/run.ts"),
      import("../output/alert-line.ts"),
      import("../output/paint.ts"),
    ]);
    const paint = paintFor(process.stdout);
    const least = flags.severity ? SEVERITIES.indexOf(flags.severity) : 0;
    await runStream(flags, (bus, options) => bus.readAlerts(options), {
      passes: (alert) =>
        (!flags.node || flags.node.includes(alert.node)) &&
        (!flags.rule || flags.rule.includes(alert.rule)) &&
        SEVERITIES.indexOf(alert.severity) >= least,
      line: (alert) => alertLine(alert, paint, flags.timestamps),
    });
  });
}
