import { setTimeout as sleep } from "node:timers/promises";
import { ControllerBus } from "../../../bus/clients/controller.ts";
import { OperatorBus } from "../../../bus/clients/operator.ts";
import type { Config } from "../../../bus/config/settings.ts";
import { connect } from "../../../bus/connection.ts";
import { desiredKey } from "../../../bus/subjects.ts";
import type { NodeStatus } from "../../../bus/types/status.ts";

/** Has an agent take so many selectors on process_exec, which match nothing that a load runs; resolves when they are in force. */
export async function putExecSelectors(config: Config, count: number): Promise<void> {
  const controller = new ControllerBus(await connect("controller", config, { wait: 5000 }));
  const operator = new OperatorBus(await connect("operator", config, { wait: 5000 }));
  try {
    await controller.desired.put(desiredKey("bench"), {
      selectors: Array.from({ length: count }, (_, n) => ({
        ...{ id: `bench-${n}`, hook: "process_exec", action: "deny", mode: "monitor", priority: 0, rate: null },
        match: [
          { field: "process.binary", op: n % 4 === 0 ? "prefix" : "in", values: [`/opt/bench/${n}/bin`] },
          { field: "process.uid", op: "notIn", values: [10_000 + (n % 100)] },
        ],
        ...{ scope: {}, because: {} },
      })),
      ...{ hooks: ["process_exec"], ttl: "none", renewedAt: new Date().toISOString() },
    });
    const end = performance.now() + 30_000;
    for (;;) {
      const entries = await operator.readStatus();
      const status = entries.find(({ key }) => key.startsWith("node."))?.value as NodeStatus | undefined;
      if (status?.selectors.length === count) return;
      if (performance.now() > end) throw new Error(`${count} selectors are not in force: ${status?.selectors.length}`);
      await sleep(100);
    }
  } finally {
    await controller.bus.close();
    await operator.bus.close();
  }
}
