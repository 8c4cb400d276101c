import type { BusConnection } from "../connection.ts";
import { Publisher } from "../publisher.ts";
import { decisionSubject } from "../subjects.ts";
import type { Decision } from "../types/decision.ts";
import { validateDecision } from "../validate.ts";

/** What a program with `decider` credentials does: it decides, within the caps of its name. */
export class DeciderBus {
  readonly bus: BusConnection;
  readonly #publisher: Publisher;

  constructor(bus: BusConnection) {
    this.bus = bus;
    this.#publisher = new Publisher(bus);
  }

  /** Resolves when the decision is stored; the same `msgId` again is dropped. @throws {BusError} */
  async publishDecision(policy: string, decision: Decision, msgId: string): Promise<void> {
    validateDecision(decision);
    const subject = decisionSubject(policy, this.bus.user.name ?? "");
    await this.#publisher.publish(subject, Buffer.from(JSON.stringify(decision)), msgId);
  }

  async close(): Promise<void> {
    await this.#publisher.drain(2000);
    this.#publisher.close();
    await this.bus.close();
  }
}
