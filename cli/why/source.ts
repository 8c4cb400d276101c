import type { OperatorBus } from "../../bus/clients/operator.ts";
import { parseDesiredKey } from "../../bus/subjects.ts";
import type { StoredSelector, WhySource } from "./chain.ts";

/** Looks things up on the bus. Streams and desired state are read once for each kind of question. */
export function whySource(bus: OperatorBus): WhySource {
  let selectors: Promise<StoredSelector[]> | undefined;
  return {
    event: async (id) => (await bus.findEvent(id)) ?? undefined,
    alert: async (id) => (await bus.findAlert(id)) ?? undefined,
    decision: async (id) => {
      const found = await bus.findDecision(Number(id));
      if (!found) return undefined;
      const { policy, decider, decision, time } = found;
      return { id, time: new Date(time).toISOString(), policy, decider, value: decision };
    },
    selectors: () => (selectors ??= readSelectors(bus)),
  };
}

async function readSelectors(bus: OperatorBus): Promise<StoredSelector[]> {
  const found: StoredSelector[] = [];
  for (const { key, entry } of await bus.readDesired()) {
    const node = parseDesiredKey(key)?.node ?? null;
    for (const selector of entry?.selectors ?? []) {
      found.push({ key, node, renewed_at: entry!.renewedAt, ttl: entry!.ttl, selector });
    }
  }
  return found;
}
