import type { Hook } from "../../../bus/types/selector.ts";
import { type Namespace, NAMESPACES, OPERAND } from "../operands.ts";

/**
 * How a field's values become operands of the kernel's tables.
 *
 * - `text`: three operands, of which `operand` is the exact one; `plain` are no paths: they need not begin with a slash
 * - `number`: `most` is the highest value; `named` values stand for numbers
 * - `mask`: bits; a mask of the process is tested mask by mask, one of a hook's own has at most ten bits in use
 * - `ancestors`: texts of the binary of any ancestor, as bits that children inherit
 * - `bit`: one bit of a mask of the process, written "true" or "false"
 */
export type FieldOperand =
  | { type: "text"; operand: number; plain?: boolean }
  | { type: "number"; operand: number; most: number; named?: (name: string) => number | undefined; names?: string }
  | { type: "address"; operand: number }
  | { type: "mask"; operand: number; named: (name: string) => bigint | undefined; names: string }
  | { type: "bit"; operand: number; mask: bigint }
  | { type: "ancestors"; operand: number };

/** A hook as the matcher knows it: enum denial_hook, and what its own fields are. */
export interface HookDefinition {
  hook: Hook;
  number: number;
  own: Readonly<Record<string, FieldOperand>>;
}

/** A hook of the matcher. `own` are its fields by name, their operands numbered from `own(0)` as in its C file. */
export function defineHook(definition: HookDefinition): HookDefinition {
  return definition;
}

/** Number of a hook's own operand: MATCH_OWN(n), 0 to 5. */
export function own(n: number): number {
  return OPERAND.own + n;
}

/** A path: takes three own operands; a hook has one at `own(0)`, and may have another at `own(3)`. */
export function text(operand: number): FieldOperand {
  return { type: "text", operand };
}

/** A number of up to 53 bits. */
export function number(operand: number, most: number): FieldOperand {
  return { type: "number", operand, most };
}

export function address(operand: number): FieldOperand {
  return { type: "address", operand };
}

/** Bits by name. */
export function mask(operand: number, bits: Readonly<Record<string, number | bigint>>): FieldOperand {
  const names = Object.keys(bits).join(", ");
  return {
    type: "mask",
    operand,
    named: (name) => (Object.hasOwn(bits, name) ? BigInt(bits[name]!) : undefined),
    names,
  };
}

/** The operand of a namespace of the process. */
export function namespaceOperand(namespace: Namespace): number {
  return OPERAND.namespace + NAMESPACES.indexOf(namespace);
}
