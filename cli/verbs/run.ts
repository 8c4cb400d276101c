import { Command } from "commander";
import { withConfigFlags, withRulesFlag } from "../config-options.ts";
import { withSettingFlags } from "../settings-options.ts";
import { verb } from "./verb.ts";

/** One part in the foreground, as `reeve up` and container images start it. */
export function runVerb(): Command {
  const group = new Command("run").description("Run one part in the foreground, as reeve up and container images do.");
  return group
    .addCommand(partVerb("agent", "Run the node agent (needs root).", "sudo reeve run agent --nats nats://bus:4222"))
    .addCommand(partVerb("engine", "Run the rules engine.", "reeve run engine --nats nats://bus:4222"))
    .addCommand(partVerb("controller", "Run the controller.", "reeve run controller --rules ./policies"));
}

function partVerb(part: "agent" | "engine" | "controller", summary: string, example: string): Command {
  const command = withSettingFlags(withRulesFlag(withConfigFlags(verb(part, summary, [example]))));
  return command.action(async (flags: Record<string, unknown>) => {
    const { runPart } = await import("../run/part.ts");
    await runPart(part, flags);
  });
}
