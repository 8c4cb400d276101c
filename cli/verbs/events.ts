import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { EVENT_KINDS } from "../../bus/generated/events.ts";
import { withConfigFlags } from "../config-options.ts";
import { outputOption } from "../output/format.ts";
import { eventScope, filterOf, withProcessFlags, withStreamFlags } from "../stream/options.ts";
import type { StreamFlags } from "../stream/options.ts";
import { verb, words } from "./verb.ts";

export function eventsVerb(): Command {
  const command = verb("events", "Print events as they happen.", [
    "reeve events",
    "reeve events --binary curl --since 10m --timestamps",
    "reeve events -o yaml --no-follow --since 5m --kind process_exec   # for a rules test file",
  ]);
  command
    .addOption(outputOption("compact", "json", "yaml"))
    .option(
      "--kind <kinds>",
      `${EVENT_KINDS.join(", ")}; repeatable, or with commas; without, those of processes and what others want`,
      kinds,
    );
  return withConfigFlags(withProcessFlags(withStreamFlags(command))).action(async (flags: StreamFlags) => {
    const [{ runStream }, { compactLine }, { paintFor }, { passes }, { safe }] = await Promise.all([
      import("../stream/run.ts"),
      import("../output/compact.ts"),
      import("../output/paint.ts"),
      import("../stream/filter.ts"),
      import("../output/safe.ts"),
    ]);
    const paint = paintFor(process.stdout);
    const filter = filterOf(flags);
    await runStream(flags, (bus, options) => bus.readEvents({ ...options, ...eventScope(flags, flags.kind) }), {
      passes: (event) => passes(event, filter),
      demand: filter,
      line: (event) => (flags.timestamps ? `${paint("dim", safe(event.time))} ` : "") + compactLine(event, paint),
    });
  });
}

function kinds(value: string, before: string[] | undefined): string[] {
  const all = words(value, before);
  const wrong = all.find((kind) => !(EVENT_KINDS as readonly string[]).includes(kind));
  if (wrong !== undefined) throw new InvalidArgumentError(`Allowed choices are ${EVENT_KINDS.join(", ")}.`);
  return all;
}
