import type { Command } from "commander";
import { withConfigFlags } from "../config-options.ts";
import { CliError } from "../errors.ts";
import { EXIT } from "../exit.ts";
import { outputOption } from "../output/format.ts";
import { verb } from "./verb.ts";

export function whyVerb(): Command {
  const command = verb(
    "why <id>",
    "Say why something happened: from a denial back to the selector, decision, alert, event and rule.",
    [
      "reeve why 3f1c0ffee…                       # an alert",
      "reeve why web-1/6f3c0a11/12/denial/4       # a denial, or any event",
      "reeve why contain-0123456789abcdef         # a selector; a decision's number works too",
    ],
  ).addOption(outputOption("text", "json"));
  return withConfigFlags(command).action(async (id: string, flags: { output: "text" | "json" }) => {
    const [
      { connectOperator },
      { loadForOperator },
      { traceChain },
      { whySource },
      { chainText },
      { document },
      { paintFor },
      { printLine },
    ] = await Promise.all([
      import("../operator.ts"),
      import("../find-bus.ts"),
      import("../why/chain.ts"),
      import("../why/source.ts"),
      import("../why/text.ts"),
      import("../output/format.ts"),
      import("../output/paint.ts"),
      import("../output/print.ts"),
    ]);
    const bus = await connectOperator(loadForOperator({ ...flags }).config);
    try {
      const chain = await traceChain(id, whySource(bus));
      if (!chain) {
        throw new CliError("not_found", `nothing with the id ${JSON.stringify(id)} is kept on the bus`, {
          exit: EXIT.notFound,
          help: "ids are printed by reeve alerts, reeve denials, reeve events -o json and reeve selectors list",
        });
      }
      await printLine(flags.output === "json" ? document(chain, "json") : chainText(chain, paintFor(process.stdout)));
    } finally {
      await bus.close();
    }
  });
}
