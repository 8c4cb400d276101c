import type { FieldType } from "../../../bus/types/fields.ts";
import type { Operator } from "../../../bus/types/selector.ts";
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

/** A field of one hook's own: how it is matched, and how it is written. */
export interface OwnField {
  operand: FieldOperand;
  type: FieldType;
  operators: readonly Operator[];
  /** The names that values have. */
  names?: readonly string[];
  /** The highest number. */
  most?: number;
}

const PATH_OPERATORS = ["in", "notIn", "prefix", "notPrefix", "suffix", "notSuffix"] as const;
const NUMBER_OPERATORS = ["in", "notIn", "range", "notRange"] as const;
const ADDRESS_OPERATORS = ["in", "notIn", "cidr", "notCidr"] as const;
const SET_OPERATORS = ["in", "notIn"] as const;

/** A path, by match_own_text at 0 or match_own_second_text at 3: takes own operands n to n + 2. */
export function path(n: 0 | 3): OwnField {
  return { operand: text(own(n)), type: "path", operators: PATH_OPERATORS };
}

/** The same of a text that is no path. */
export function words(n: 0 | 3): OwnField {
  return { operand: { type: "text", operand: own(n), plain: true }, type: "text", operators: PATH_OPERATORS };
}

/** A number of up to 53 bits, by match_own_number. */
export function ownNumber(n: number, most: number): OwnField {
  return { operand: number(own(n), most), type: "number", operators: NUMBER_OPERATORS, most };
}

/** A number that has names, by match_own_number. */
export function named(n: number, most: number, names: Readonly<Record<string, number>>): OwnField {
  const operand = namedNumber(own(n), most, names);
  return { operand, type: "name", operators: NUMBER_OPERATORS, names: Object.keys(names), most };
}

/** 0 or 1, written "false" and "true", by match_own_number. */
export function truth(n: number): OwnField {
  return { operand: namedNumber(own(n), 1, { false: 0, true: 1 }), type: "boolean", operators: SET_OPERATORS };
}

/** Bits by name, by match_own_mask. */
export function flags(n: number, bits: Readonly<Record<string, number | bigint>>): OwnField {
  return { operand: mask(own(n), bits), type: "flags", operators: ["mask"], names: Object.keys(bits) };
}

/** The event's address, by match_own_address. */
export function ownAddress(n: number): OwnField {
  return { operand: address(own(n)), type: "address", operators: ADDRESS_OPERATORS };
}

/** "major:minor" as the kernel's dev_t, by match_own_number. */
export function device(n: number): OwnField {
  const operand: FieldOperand = {
    type: "number",
    operand: own(n),
    most: 0xffff_ffff,
    named: deviceNumber,
    names: `"major:minor"`,
  };
  return { operand, type: "device", operators: SET_OPERATORS };
}

/** An IP protocol, by match_own_number. */
export function protocol(n: number): OwnField {
  return { operand: namedNumber(own(n), 255, { tcp: 6, udp: 17 }), type: "protocol", operators: SET_OPERATORS };
}

function deviceNumber(text: string): number | undefined {
  const parts = /^(\d{1,4}):(\d{1,7})$/.exec(text);
  if (parts === null) return undefined;
  const [major, minor] = [Number(parts[1]), Number(parts[2])];
  return major < 1 << 12 && minor < 1 << 20 ? major * (1 << 20) + minor : undefined;
}

function namedNumber(operand: number, most: number, names: Readonly<Record<string, number>>): FieldOperand {
  return {
    ...{ type: "number", operand, most },
    named: (name) => (Object.hasOwn(names, name) ? names[name] : undefined),
    names: Object.keys(names)
      .map((name) => JSON.stringify(name))
      .join(", "),
  };
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
