import type { OperatorBus } from "../../bus/clients/operator.ts";
import { statusView } from "./view.ts";
import type { StatusView } from "./view.ts";

export async function readStatus(bus: OperatorBus, now: Date): Promise<StatusView> {
  const [entries, streams] = await Promise.all([bus.readStatus(), bus.readStreams().catch(() => [])]);
  return statusView(entries, { ...bus.serverInfo(), streams }, now);
}
