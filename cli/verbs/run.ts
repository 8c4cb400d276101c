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
    .addCommand(partVerb("controller", "Run the controller.", "reeve run controller --rules ./policies"))
    .addCommand(prepareVerb())
    .addCommand(provisionVerb());
}

function prepareVerb(): Command {
  const summary = "Make credentials and nats.conf for a bus that a container runs (needs root).";
  const command = verb("prepare", summary, [
    "reeve run prepare --share /share --host-dir /host --host-url nats://127.0.0.1:4222",
  ])
    .requiredOption("--share <dir>", "where each part's directory lies: nats, data, agent, engine, controller")
    .requiredOption("--host-dir <dir>", "directory of the host for bus.json and the operator's credentials")
    .requiredOption("--host-url <url>", "where the bus is for programs of the host");
  return withSettingFlags(withConfigFlags(command)).action(
    async (flags: { share: string; hostDir: string; hostUrl: string }) => {
      const { prepareBus } = await import("../run/bus.ts");
      prepareBus(flags);
    },
  );
}

function provisionVerb(): Command {
  const command = verb("provision", "Make the streams, buckets and consumers that are missing on the bus.", [
    "reeve run provision --nats nats://bus:4222",
  ]);
  return withSettingFlags(withConfigFlags(command)).action(async (flags: Record<string, unknown>) => {
    const { provisionOnce } = await import("../run/bus.ts");
    await provisionOnce(flags);
  });
}

function partVerb(part: "agent" | "engine" | "controller", summary: string, example: string): Command {
  const command = withSettingFlags(withRulesFlag(withConfigFlags(verb(part, summary, [example]))));
  return command.action(async (flags: Record<string, unknown>) => {
    const { runPart } = await import("../run/part.ts");
    await runPart(part, flags);
  });
}
