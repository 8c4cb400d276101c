import { AgentBus } from "../../bus/clients/agent.ts";
import { connect } from "../../bus/connection.ts";
import type { ProcessExecEvent } from "../../bus/generated/events.ts";
import { formatEventId } from "../../bus/ids.ts";
import { eventSubject } from "../../bus/subjects.ts";
import { hostConfig } from "./alerts.ts";
import { OTHER_NODES, type World } from "./world.ts";

/** Where the programs of the played events seem to lie. */
export const PLAYED = "/tmp/recorded-";

/** Plays a recorded event as if it came from other nodes, each program under a name of its own. */
export class Player {
  readonly #agents: { node: string; bus: AgentBus; seq: number }[];
  readonly #event: ProcessExecEvent;
  readonly #epoch: number;
  readonly played: string[] = [];

  private constructor(agents: { node: string; bus: AgentBus; seq: number }[], event: ProcessExecEvent, epoch: number) {
    this.#agents = agents;
    this.#event = event;
    this.#epoch = epoch;
  }

  /** @param event as this node's agent published it */
  static async open(world: World, event: ProcessExecEvent, epoch: number): Promise<Player> {
    const agents = OTHER_NODES.map(async (node) => {
      const bus = new AgentBus(await connect("agent", hostConfig(world), { name: node, wait: 10_000 }));
      return { node, bus, seq: 0 };
    });
    return new Player(await Promise.all(agents), event, epoch);
  }

  /** One event of each node, stored. */
  async round(): Promise<void> {
    await Promise.all(
      this.#agents.map(async (agent) => {
        const seq = ++agent.seq;
        const binary = `${PLAYED}${agent.node}-${this.#epoch}/${seq}`;
        const id = formatEventId({ node: agent.node, boot: "5599d683", epoch: this.#epoch, kind: "process_exec", seq });
        const event = { ...this.#event, id, node: agent.node, process: { ...this.#event.process, binary } };
        this.played.push(binary);
        await agent.bus.events.publish(
          eventSubject("process_exec", agent.node),
          Buffer.from(JSON.stringify(event)),
          id,
        );
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map(({ bus }) => bus.close()));
  }
}
