import type { OperatorBus } from "../operator.ts";
import { statusView } from "./view.ts";
import type { StatusView } from "./view.ts";

export async function readStatus(bus: OperatorBus, now: Date): Promise<StatusView> {
  return statusView(await bus.status(), bus.url, now);
}
