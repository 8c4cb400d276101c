import type { Atom, Formula } from "../../bus/formula/formula.ts";
import { compileFormula } from "../../bus/formula/verify.ts";
import type { Verify } from "../../bus/formula/verify.ts";
import { Candidates } from "./candidates.ts";
import { FieldIndex } from "./field-index.ts";

/** What is known of a unit (a rule or policy) for events of a kind. Without a cover it is a candidate of each. */
export interface IndexedUnit {
  unit: number;
  formula: Formula;
  cover: Atom[] | null;
}

/** The units of one kind of event, found by the values of its fields. */
export class KindIndex {
  readonly fields: FieldIndex[];
  readonly candidates: Candidates;
  /** Units that every event of the kind concerns. */
  readonly always: Int32Array;
  readonly #verify: (Verify | null)[] = [];

  /** `units` is how many there are in the rule set. */
  constructor(indexed: readonly IndexedUnit[], units: number) {
    this.candidates = new Candidates(units);
    const always: number[] = [];
    const byField = new Map<string, { path: string[]; atoms: { atom: Atom; unit: number }[] }>();
    for (const { unit, formula, cover } of indexed) {
      this.#verify[unit] = formula === true ? null : compileFormula(formula);
      if (cover === null) always.push(unit);
      for (const atom of cover ?? []) {
        const key = JSON.stringify(atom.path);
        const field = byField.get(key) ?? { path: atom.path, atoms: [] };
        byField.set(key, field);
        field.atoms.push({ atom, unit });
      }
    }
    this.always = Int32Array.from(always);
    this.fields = [...byField.values()].map(({ path, atoms }) => new FieldIndex(path, atoms));
  }

  /** The units to be evaluated for an event, in the order of the rule set: all that may find something in it. */
  find(event: unknown): number[] {
    const found = this.candidates;
    found.begin();
    found.add(this.always);
    for (const field of this.fields) field.event(event, found);
    const units: number[] = [];
    for (let n = 0; n < found.count; n++) {
      const unit = found.list[n]!;
      const verify = this.#verify[unit];
      if (verify == null || verify(event)) units.push(unit);
    }
    return units.length > 1 ? units.sort((a, b) => a - b) : units;
  }
}
