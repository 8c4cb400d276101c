import type { Hook } from "../../bus/types/selector.ts";
import { SelectorError } from "./errors.ts";
import { MAX_ATOMS, MAX_CARE_BITS } from "./hook-tables.ts";
import type { NormalSelector } from "./normalize.ts";
import { OPERAND } from "./operands.ts";
import { MAX_SELECTORS } from "./places.ts";

/** How many selectors ask for each of some things. */
class Uses<K> {
  readonly #counts = new Map<K, number>();

  get size(): number {
    return this.#counts.size;
  }

  has(key: K): boolean {
    return this.#counts.has(key);
  }

  add(key: K, count: 1 | -1): void {
    const left = (this.#counts.get(key) ?? 0) + count;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }
}

/** What the tables of one hook take all together; the selector that is too much is refused, the others apply. */
export class HookLimits {
  readonly #hook: Hook;
  readonly #atoms = new Uses<string>();
  /** By operand: bits of the hook's own masks. */
  readonly #care = new Map<number, Uses<number>>();
  #count = 0;

  constructor(hook: Hook) {
    this.#hook = hook;
  }

  /** @throws SelectorError `limit` */
  take(selector: NormalSelector): void {
    if (this.#count >= MAX_SELECTORS)
      throw new SelectorError("limit", `${this.#hook} has ${MAX_SELECTORS} selectors already, which is all it takes`);
    const { atoms, care } = masksOf(selector);
    const fresh = new Set(atoms.filter((atom) => !this.#atoms.has(atom)));
    if (this.#atoms.size + fresh.size > MAX_ATOMS)
      throw new SelectorError(
        "limit",
        `selectors on ${this.#hook} ask for ${MAX_ATOMS} different masks of the process already, which is all it takes`,
      );
    for (const [operand, bits] of care) {
      const uses = this.#care.get(operand);
      const more = [...bits].filter((bit) => uses?.has(bit) !== true).length;
      if ((uses?.size ?? 0) + more > MAX_CARE_BITS)
        throw new SelectorError(
          "limit",
          `selectors on ${this.#hook} would ask for more than ${MAX_CARE_BITS} different flags, which is all it takes`,
        );
    }
    this.#use(selector, 1);
  }

  /** A selector that was taken has gone. */
  giveBack(selector: NormalSelector): void {
    this.#use(selector, -1);
  }

  #use(selector: NormalSelector, count: 1 | -1): void {
    this.#count += count;
    const { atoms, care } = masksOf(selector);
    for (const atom of atoms) this.#atoms.add(atom, count);
    for (const [operand, bits] of care) {
      let uses = this.#care.get(operand);
      if (uses === undefined) this.#care.set(operand, (uses = new Uses()));
      for (const bit of bits) uses.add(bit, count);
    }
  }
}

const NO_MASKS: { atoms: string[]; care: Map<number, Set<number>> } = { atoms: [], care: new Map() };

function masksOf({ conditions }: NormalSelector): typeof NO_MASKS {
  if (!conditions.some((condition) => "mask" in condition)) return NO_MASKS;
  const atoms: string[] = [];
  const care = new Map<number, Set<number>>();
  for (const condition of conditions) {
    if (!("mask" in condition)) continue;
    const { operand, mask } = condition;
    if (operand < OPERAND.own) atoms.push(`${operand} ${mask}`);
    else care.set(operand, new Set([...(care.get(operand) ?? []), ...bitsOf(mask)]));
  }
  return { atoms, care };
}

function bitsOf(mask: bigint): number[] {
  const bits: number[] = [];
  for (let bit = 0; mask >> BigInt(bit) > 0n; bit++) if (((mask >> BigInt(bit)) & 1n) === 1n) bits.push(bit);
  return bits;
}
