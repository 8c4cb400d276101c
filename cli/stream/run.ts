import type { OperatorBus } from "../../bus/clients/operator.ts";
import { connectOperator } from "../operator.ts";
import { loadForOperator } from "../find-bus.ts";
import { streamItem } from "../output/format.ts";
import { printLine } from "../output/print.ts";
import { safe } from "../output/safe.ts";
import { holdDemand } from "./demand.ts";
import type { EventFilter } from "./filter.ts";
import { interruption } from "./interrupt.ts";
import type { StreamFlags } from "./options.ts";

/**
 * Prints what a stream brings until Ctrl-C, `--max`, or its end where it is not followed. Everything kept is read when
 * `--since` or `--no-follow` asks for it, else only what happens from now on. `demand`: what is to be sent while it is followed.
 */
export async function runStream<T>(
  flags: StreamFlags,
  open: (bus: OperatorBus, options: { since: Date | null; follow: boolean; signal: AbortSignal }) => AsyncIterable<T>,
  use: { passes: (item: T) => boolean; line: (item: T) => string; demand?: EventFilter },
): Promise<void> {
  const { config } = loadForOperator({ ...flags, node: undefined });
  const signal = interruption();
  const bus = await connectOperator(config);
  const wanted = flags.follow ? use.demand : undefined;
  const release =
    wanted === undefined
      ? undefined
      : await holdDemand(bus, wanted, (reason) =>
          process.stderr.write(`only events that others want are shown: they cannot be asked for: ${safe(reason)}\n`),
        );
  try {
    let count = 0;
    for await (const item of open(bus, { since: flags.since ?? null, follow: flags.follow, signal })) {
      if (!use.passes(item)) continue;
      await printLine(
        flags.output === "json" || flags.output === "yaml" ? streamItem(item, flags.output) : use.line(item),
      );
      if (++count === flags.max || signal.aborted) break;
    }
  } finally {
    await release?.();
    await bus.close();
  }
}
