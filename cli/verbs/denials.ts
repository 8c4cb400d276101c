import type { Command } from "commander";
import { withConfigFlags } from "../config-options.ts";
import { outputOption } from "../output/format.ts";
import { eventScope, filterOf, withProcessFlags, withStreamFlags } from "../stream/options.ts";
import type { StreamFlags } from "../stream/options.ts";
import { verb } from "./verb.ts";

export function denialsVerb(): Command {
  const command = verb("denials", "Print what selectors denied, or would have denied in monitor mode.", [
    "reeve denials",
    "reeve denials --since 1h --no-follow -o json",
  ]).addOption(outputOption("compact", "json", "yaml"));
  return withConfigFlags(withProcessFlags(withStreamFlags(command))).action(async (flags: StreamFlags) => {
    const [{ runStream }, { compactLine }, { clock }, { paintFor }, { passes }, { safe }] = await Promise.all([
      import("../stream/run.ts"),
      import("../output/compact.ts"),
      import("../output/alert-line.ts"),
      import("../output/paint.ts"),
      import("../stream/filter.ts"),
      import("../output/safe.ts"),
    ]);
    const paint = paintFor(process.stdout);
    const filter = filterOf(flags);
    await runStream(flags, (bus, options) => bus.readEvents({ ...options, ...eventScope(flags, ["denial"]) }), {
      passes: (event) => passes(event, filter),
      line: (event) =>
        `${paint("dim", flags.timestamps ? safe(event.time) : clock(event.time))} ${compactLine(event, paint)} ${paint("dim", `why: ${safe(event.id)}`)}`,
    });
  });
}
