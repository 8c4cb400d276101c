import { union } from "../../bus/demand/wants.ts";
import type { Demand, DesiredDemand } from "../../bus/types/demand.ts";

/** What the holders of one family want together. */
export interface Together extends DesiredDemand {
  holders: number;
}

interface Held {
  demand: Demand;
  until: number;
}

/** Who wants which events now: engines and readers, each until it has not said so for as long as it said. */
export class DemandBook {
  readonly #held = new Map<string, Held>();

  /** @param key `engine.<name>` or `reader.<id>`; @param now milliseconds that only go on */
  change(key: string, demand: Demand | null, now: number): void {
    if (demand === null) this.#held.delete(key);
    else this.#held.set(key, { demand, until: now + demand.ttl });
  }

  /** Forgets who has not said anything for too long; whether there was one. */
  expire(now: number): boolean {
    let any = false;
    for (const [key, { until }] of this.#held) if (until <= now) any = this.#held.delete(key) || any;
    return any;
  }

  together(family: "engine" | "reader"): Together {
    const demands = [...this.#held].flatMap(([key, { demand }]) => (key.startsWith(`${family}.`) ? [demand] : []));
    return {
      wants: union(demands.map(({ wants }) => wants)),
      rulesets: [...new Set(demands.flatMap(({ rulesets }) => rulesets ?? []))].sort(),
      standby: [...new Set(demands.flatMap(({ standby }) => standby ?? []))].sort(),
      holders: demands.length,
    };
  }
}
