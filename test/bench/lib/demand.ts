import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../../bus/connection.ts";
import { ControllerBus } from "../../../bus/clients/controller.ts";
import { OperatorBus } from "../../../bus/clients/operator.ts";
import { desiredKey } from "../../../bus/subjects.ts";
import type { Selector } from "../../../bus/types/selector.ts";
import type { NodeStatus } from "../../../bus/types/status.ts";
import type { Stack } from "./stack.ts";

const KEY = desiredKey("bench");
const APPLIED_MS = 60_000;

/** A selector that posts every act of a hook that matches. */
export function posts(hook: Selector["hook"], match: Selector["match"] = []): Selector {
  return {
    ...{ id: `bench-${hook}`, hook, action: "post", mode: "enforce", priority: 0, rate: null, match },
    ...{ scope: {}, because: { person: "bench" } },
  };
}

/** Demands events of a benchmark's agent, as the controller would, and reads what the agent says of itself. */
export class Demand {
  readonly #controller: ControllerBus;
  readonly #operator: OperatorBus;

  private constructor(controller: ControllerBus, operator: OperatorBus) {
    this.#controller = controller;
    this.#operator = operator;
  }

  static async open({ config }: Stack): Promise<Demand> {
    const [controller, operator] = await Promise.all([
      connect("controller", config, { name: "bench" }),
      connect("operator", config, { name: "bench" }),
    ]);
    return new Demand(new ControllerBus(controller), new OperatorBus(operator));
  }

  /** These selectors and no others; returns when they are in force. @throws when one is refused */
  async put(selectors: Selector[]): Promise<void> {
    const hooks = [...new Set(selectors.map(({ hook }) => hook))];
    const entry = { selectors, hooks, ttl: "none" as const, renewedAt: new Date().toISOString() };
    const revision = await this.#controller.desired.put(KEY, entry);
    const status = await this.#until((it) => it.applied_revision >= revision);
    const [refused] = status.refused;
    if (refused !== undefined) throw new Error(`${refused.selector}: ${refused.reason}`);
  }

  /** The agent's next status. */
  async fresh(): Promise<NodeStatus> {
    const before = (await this.#status())?.time ?? "";
    return this.#until(({ time }) => time > before);
  }

  async close(): Promise<void> {
    await Promise.all([this.#controller.close(), this.#operator.close()]);
  }

  async #status(): Promise<NodeStatus | undefined> {
    const entries = await this.#operator.readStatus();
    return entries.find(({ key }) => key.startsWith("node."))?.value as NodeStatus | undefined;
  }

  async #until(holds: (status: NodeStatus) => boolean): Promise<NodeStatus> {
    for (const end = Date.now() + APPLIED_MS; Date.now() < end; await sleep(20)) {
      const status = await this.#status();
      if (status !== undefined && holds(status)) return status;
    }
    throw new Error("the agent did not say so in time");
  }
}
