import type { Command } from "commander";
import { withConfigFlags } from "../config-options.ts";
import { outputOption } from "../output/format.ts";
import { verb } from "./verb.ts";

export function statusVerb(): Command {
  const command = verb(
    "status",
    "Show nodes with their hooks and rungs, the engines' rules, the controller, and what was refused or lost.",
    ["reeve status", "reeve status -o json | jq '.nodes[].refused'"],
  ).addOption(outputOption("text", "json", "yaml"));
  return withConfigFlags(command).action(async (flags: { output: "text" | "json" | "yaml" }) => {
    const [
      { connectOperator },
      { loadForOperator },
      { readStatus },
      { statusText },
      { document },
      { paintFor },
      { printLine },
    ] = await Promise.all([
      import("../operator.ts"),
      import("../find-bus.ts"),
      import("../status/read.ts"),
      import("../status/text.ts"),
      import("../output/format.ts"),
      import("../output/paint.ts"),
      import("../output/print.ts"),
    ]);
    const bus = await connectOperator(loadForOperator({ ...flags }).config);
    try {
      const status = await readStatus(bus, new Date());
      const text =
        flags.output === "text" ? statusText(status, paintFor(process.stdout)) : document(status, flags.output);
      await printLine(text);
    } finally {
      await bus.close();
    }
  });
}
