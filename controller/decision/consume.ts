import type { Logger } from "../../bus/log.ts";
import type { DecisionMessage } from "../port.ts";
import { type DecisionOptions, processDecision } from "./process.ts";

/** Takes decisions one after the other, in the stream's order, until the messages end. */
export async function consumeDecisions(
  messages: AsyncIterable<DecisionMessage>,
  options: DecisionOptions,
  log: Logger,
  onDone: () => void,
): Promise<void> {
  for await (const message of messages) {
    const { subject, sequence } = message;
    const outcome = await processDecision(message, options);
    if (outcome.kind === "refused") {
      log.warn({ subject, sequence, code: outcome.code }, `decision refused: ${outcome.message}`);
    } else if (outcome.kind === "retry") {
      log.error({ subject, sequence }, `decision not written, tried again: ${outcome.message}`);
    } else log.debug({ subject, sequence, keys: outcome.keys }, `decision ${outcome.kind}`);
    onDone();
  }
}
