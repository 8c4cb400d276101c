import type { RefusedDecision } from "../../bus/types/controller-status.ts";
import type { Counters } from "../counters.ts";

const KEPT = 50;
const MAX_MESSAGE = 500;

/** The last refused decisions, newest first; all of them are counted. */
export class Refusals {
  readonly #counters: Counters;
  #last: RefusedDecision[] = [];

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  add(refused: RefusedDecision): void {
    this.#counters.add("decisions_refused");
    this.#counters.add(`refused_${refused.code}`);
    const message = refused.message.slice(0, MAX_MESSAGE);
    this.#last = [{ ...refused, message }, ...this.#last].slice(0, KEPT);
  }

  last(): RefusedDecision[] {
    return this.#last;
  }
}
