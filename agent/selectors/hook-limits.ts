import type { Hook } from "../../bus/types/selector.ts";
import { SelectorError } from "./errors.ts";
import { MAX_ATOMS, MAX_CARE_BITS } from "./hook-tables.ts";
import type { NormalSelector } from "./normalize.ts";
import { OPERAND } from "./operands.ts";
import { MAX_SELECTORS } from "./places.ts";

/** What the tables of one hook take all together; the selector that is too much is refused, the others apply. */
export class HookLimits {
  readonly #hook: Hook;
  readonly #atoms = new Set<string>();
  readonly #care = new Map<number, bigint>();
  #count = 0;

  constructor(hook: Hook) {
    this.#hook = hook;
  }

  /** @throws SelectorError `limit` */
  take({ conditions }: NormalSelector): void {
    if (this.#count >= MAX_SELECTORS)
      throw new SelectorError("limit", `${this.#hook} has ${MAX_SELECTORS} selectors already, which is all it takes`);
    if (!conditions.some(({ type }) => type === "mask")) {
      this.#count++;
      return;
    }
    const atoms: string[] = [];
    const care = new Map(this.#care);
    for (const condition of conditions) {
      if (condition.type !== "mask") continue;
      const { operand, mask } = condition;
      if (operand < OPERAND.own) atoms.push(`${operand} ${mask}`);
      else care.set(operand, (care.get(operand) ?? 0n) | mask);
    }
    const fresh = new Set(atoms.filter((atom) => !this.#atoms.has(atom)));
    if (this.#atoms.size + fresh.size > MAX_ATOMS)
      throw new SelectorError(
        "limit",
        `selectors on ${this.#hook} ask for ${MAX_ATOMS} different masks of the process already, which is all it takes`,
      );
    for (const mask of care.values())
      if (bitsIn(mask) > MAX_CARE_BITS)
        throw new SelectorError(
          "limit",
          `selectors on ${this.#hook} would ask for more than ${MAX_CARE_BITS} different flags, which is all it takes`,
        );
    for (const atom of fresh) this.#atoms.add(atom);
    for (const [operand, mask] of care) this.#care.set(operand, mask);
    this.#count++;
  }
}

function bitsIn(mask: bigint): number {
  return mask.toString(2).replaceAll("0", "").length;
}
