import type { BusConnection } from "../connection.ts";
import { DesiredWatch } from "../desired-watch.ts";
import { store } from "../jetstream.ts";
import { Publisher, type PublisherOptions } from "../publisher.ts";
import { BUCKETS, CONSUMERS, nodeStatusKey } from "../subjects.ts";
import type { NodeStatus } from "../types/status.ts";

/** What the agent of a node does on the bus. `bus` is a connection of role `agent`, whose name is the node. */
export class AgentBus {
  readonly bus: BusConnection;
  /** Events; `eventSubject(kind, node)` makes the subject. */
  readonly events: Publisher;
  readonly #node: string;

  constructor(bus: BusConnection, options: PublisherOptions = {}) {
    this.bus = bus;
    this.#node = bus.user.name ?? "";
    this.events = new Publisher(bus, options);
  }

  /** The entries for all nodes and for this one, and every change of them. */
  watchDesired(): DesiredWatch {
    return new DesiredWatch(this.bus, [CONSUMERS.desiredAll(this.#node), CONSUMERS.desiredNode(this.#node)]);
  }

  /** @throws {BusError} `not_connected`, `timeout`, ... */
  async putStatus(status: NodeStatus): Promise<void> {
    await store(this.bus, `$KV.${BUCKETS.status}.${nodeStatusKey(this.#node)}`, JSON.stringify(status));
  }

  async close(): Promise<void> {
    this.events.close();
    await this.bus.close();
  }
}
