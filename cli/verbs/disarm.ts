import type { Command } from "commander";
import { withConfigFlags } from "../config-options.ts";
import { outputOption } from "../output/format.ts";
import { verb } from "./verb.ts";

interface DisarmFlags {
  output: "text" | "json";
  node?: string;
  local?: boolean;
}

export function disarmVerb(): Command {
  const command = verb("disarm", "Take every selector out of the kernel at once; nothing is denied until reeve arm.", [
    "reeve disarm                # all nodes, through the controller; this node by a signal where there is no bus",
    "reeve disarm --node web-1",
    "sudo reeve disarm --local   # this node only, by a signal to the agent: needs no bus",
  ])
    .addOption(outputOption("text", "json"))
    .option("--node <name>", "only this node")
    .option("--local", "only the agent of this host, by a signal");
  return withConfigFlags(command).action(async (flags: DisarmFlags) => {
    const [{ disarm }, { document }, { printLine }] = await Promise.all([
      import("../disarm/disarm.ts"),
      import("../output/format.ts"),
      import("../output/print.ts"),
    ]);
    const done = await disarm(flags);
    await printLine(flags.output === "json" ? document(done, "json") : done.message);
  });
}

export function armVerb(): Command {
  const command = verb("arm", "Take back reeve disarm: what is still in force acts again.", [
    "reeve arm",
    "reeve arm --node web-1",
  ])
    .addOption(outputOption("text", "json"))
    .option("--node <name>", "only this node");
  return withConfigFlags(command).action(async (flags: DisarmFlags) => {
    const [{ arm }, { document }, { printLine }] = await Promise.all([
      import("../disarm/disarm.ts"),
      import("../output/format.ts"),
      import("../output/print.ts"),
    ]);
    const done = await arm(flags);
    await printLine(flags.output === "json" ? document(done, "json") : done.message);
  });
}
