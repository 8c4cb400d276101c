import type { OperatorBus, ReadOptions } from "../operator.ts";
import { connectOperator } from "../operator.ts";
import { loadFor } from "../load.ts";
import { streamItem } from "../output/format.ts";
import { printLine } from "../output/print.ts";
import { interruption } from "./interrupt.ts";
import type { StreamFlags } from "./options.ts";

/**
 * Prints what a stream brings until Ctrl-C, `--max`, or its end where it is not followed. Everything kept is read when
 * `--since` or `--no-follow` asks for it, else only what happens from now on.
 */
export async function runStream<T>(
  flags: StreamFlags,
  open: (bus: OperatorBus, options: ReadOptions) => AsyncIterable<T>,
  use: { passes: (item: T) => boolean; line: (item: T) => string },
): Promise<void> {
  const { config } = loadFor({ ...flags, node: undefined });
  const signal = interruption();
  const bus = await connectOperator(config, signal);
  try {
    const begin = flags.since ?? (flags.follow ? null : new Date(0));
    let count = 0;
    for await (const item of open(bus, { since: begin, follow: flags.follow, signal, nodes: flags.node ?? [] })) {
      if (!use.passes(item)) continue;
      await printLine(
        flags.output === "json" || flags.output === "yaml" ? streamItem(item, flags.output) : use.line(item),
      );
      if (++count === flags.max || signal.aborted) break;
    }
  } finally {
    await bus.close();
  }
}
