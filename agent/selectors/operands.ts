import type { Operator } from "../../bus/types/selector.ts";

/** Operands of the kernel's tables: enum match_operand in bpf/include/match_tables.h. */
export const OPERAND = {
  binary: 0,
  binaryPrefix: 1,
  binarySuffix: 2,
  parent: 3,
  parentPrefix: 4,
  parentSuffix: 5,
  uid: 6,
  cgroup: 7,
  tree: 8,
  daddr: 9,
  dport: 10,
} as const;
export const OPERANDS = 11;

export type Operand = (typeof OPERAND)[keyof typeof OPERAND];
export type TextOperand = 0 | 1 | 2 | 3 | 4 | 5;
export type NumberOperand = typeof OPERAND.uid | typeof OPERAND.dport;
export type SetOperand = typeof OPERAND.cgroup | typeof OPERAND.tree;

export const TEXT_OPERANDS: readonly TextOperand[] = [0, 1, 2, 3, 4, 5];
export const NUMBER_BITS: Readonly<Record<NumberOperand, 16 | 32>> = { 6: 32, 10: 16 };

/** Places of the operands of a path by operator. */
export const TEXT_OFFSET: Partial<Record<Operator, 0 | 1 | 2>> = {
  in: 0,
  notIn: 0,
  prefix: 1,
  notPrefix: 1,
  suffix: 2,
  notSuffix: 2,
};

/** How an operand compares a text. */
export function textKind(operand: TextOperand): "exact" | "prefix" | "suffix" {
  return (["exact", "prefix", "suffix"] as const)[operand % 3]!;
}
