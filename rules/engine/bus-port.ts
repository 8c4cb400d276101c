import type { EngineBus } from "../../bus/clients/engine.ts";
import type { EngineStatus } from "../../bus/types/engine-status.ts";
import type { EnginePort } from "./port.ts";

/** Ends what is being read when the signal aborts. */
function until<T extends { close(): void }>(queue: T, signal: AbortSignal): T {
  if (signal.aborted) queue.close();
  else signal.addEventListener("abort", () => queue.close(), { once: true });
  return queue;
}

/** The engine's view of the bus. */
export function busPort(bus: EngineBus, name: string, partitions: number[]): EnginePort {
  return {
    events: (signal) => until(bus.consumeEvents({ partitions }), signal),
    ruleSets: (signal) => until(bus.watchRuleSets(), signal),
    publishFinding: (alert) => bus.publishFinding(alert),
    publishDecision: (policy, decision, messageId) => bus.publishDecision(policy, decision, messageId),
    putStatus: (status: EngineStatus) =>
      bus.putStatus(name, { ...status, counters: { ...status.counters, malformed_subjects: bus.malformed } }),
  };
}
