import type { EngineBus } from "../../bus/clients/engine.ts";
import { union } from "../../bus/demand/wants.ts";
import type { Logger } from "../../bus/log.ts";
import type { Demand } from "../../bus/types/demand.ts";
import { reasonOf } from "../errors.ts";
import type { RuleSet } from "../model/rule-set.ts";
import { wantsOf } from "./wants.ts";

/** How often the demand is said again, and how long it holds without. */
const RENEW_MS = 10_000;
const TTL_MS = 30_000;
const RETRY_MS = 1000;

/** A rule set with the rules of it that are not evaluated any more. */
export interface WantingSet {
  set: Pick<RuleSet, "digest" | "rules" | "policies" | "index">;
  disabled: ReadonlySet<string>;
}

/**
 * Says on the bus which events this engine needs, and says it again for as long as it runs. Filters of a new set go in before
 * it is evaluated and those of the old one come out after: between the two both are wanted.
 */
export class DemandKeeper {
  readonly #bus: Pick<EngineBus, "putDemand">;
  readonly #name: string;
  readonly #log: Logger;
  #demand: Demand | null = null;
  #timer: NodeJS.Timeout | null = null;
  #turn = 0;

  constructor(bus: Pick<EngineBus, "putDemand">, name: string, log: Logger) {
    this.#bus = bus;
    this.#name = name;
    this.#log = log;
  }

  /** From now on what these need. Resolves when it is said, or could not be for now. */
  async want(sets: readonly WantingSet[]): Promise<void> {
    const standby = sets.some(({ set }) => set.policies.length > 0);
    this.#demand = {
      wants: union(sets.map(({ set, disabled }) => wantsOf(set, disabled))),
      ttl: TTL_MS,
      rulesets: [...new Set(sets.map(({ set }) => set.digest))].sort(),
      // what a policy decides is known when it does; a connection is what most of them cut off
      ...(standby ? { standby: ["network_connect" as const] } : {}),
    };
    await this.#say();
  }

  /** Says nothing more: an engine that comes back finds what happened meanwhile, since what it wanted is kept for a while. */
  stop(): void {
    this.#turn++;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #say(): Promise<void> {
    const turn = ++this.#turn;
    if (this.#timer !== null) clearTimeout(this.#timer);
    let wait = RENEW_MS;
    try {
      await this.#bus.putDemand(this.#name, this.#demand!);
    } catch (thrown) {
      wait = RETRY_MS;
      this.#log.debug({ reason: reasonOf(thrown) }, "the demand could not be said");
    }
    if (turn === this.#turn) this.#timer = setTimeout(() => void this.#say(), wait);
  }
}
