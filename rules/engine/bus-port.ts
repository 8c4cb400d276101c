import type { EngineBus, EventMessage } from "../../bus/clients/engine.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";
import type { Ownership } from "./ownership.ts";
import type { EnginePort } from "./port.ts";

/** Ends what is being read when the signal aborts. */
function until<T extends { close(): void }>(queue: T, signal: AbortSignal): T {
  if (signal.aborted) queue.close();
  else signal.addEventListener("abort", () => queue.close(), { once: true });
  return queue;
}

/** The engine's view of the bus. */
export function busPort(bus: EngineBus, name: string, ownership: Ownership): EnginePort {
  return {
    events: (signal) => ownedEvents(bus, ownership, signal),
    ruleSets: (signal) => until(bus.watchRuleSets(), signal),
    publishFinding: (alert) => bus.publishFinding(alert),
    publishDecision: (policy, decision, messageId) => bus.publishDecision(policy, decision, messageId),
    putStatus: (status: EngineStatus) =>
      bus.putStatus(name, {
        ...status,
        partitions: [...ownership.owned],
        counters: { ...status.counters, malformed_subjects: bus.malformed },
      }),
  };
}

/** Events of the partitions that are this engine's share; it takes part in the sharing as long as somebody reads. */
async function* ownedEvents(bus: EngineBus, ownership: Ownership, signal: AbortSignal): AsyncIterable<EventMessage> {
  const feed = bus.feedEvents({ partitions: [] });
  const stop = new AbortController();
  const sharing = ownership.run(AbortSignal.any([signal, stop.signal]), (owned) => feed.setPartitions(owned));
  try {
    yield* until(feed.queue, signal);
  } finally {
    feed.queue.close();
    stop.abort();
    await sharing;
  }
}
