import type { Command } from "commander";
import { withConfigFlags, withRulesFlag } from "../config-options.ts";
import { outputOption } from "../output/format.ts";
import { withSettingFlags } from "../settings-options.ts";
import { verb } from "./verb.ts";

export function upVerb(): Command {
  const command = verb(
    "up",
    "Run everything on this host: bus, agent, rules engine, controller; prints alerts as they happen.",
    [
      "sudo reeve up",
      "sudo reeve up --rules ./policies --enforce",
      "sudo reeve up --nats nats://bus:4222 --node web-1 -o json",
    ],
  ).addOption(outputOption("text", "json"));
  const flagged = withRulesFlag(withConfigFlags(command))
    .option("--node <name>", "name of this node (default: the host name)")
    .option("--enforce", "let shipped enforcement act, instead of only saying what it would have done");
  return withSettingFlags(flagged).action(async (flags: Record<string, unknown> & { output: "text" | "json" }) => {
    const { up } = await import("../up/up.ts");
    await up(flags);
  });
}
