import type { Operator } from "../../bus/types/selector.ts";

/** Operands of the kernel's tables: enum match_operand in bpf/include/match_tables.h. */
export const OPERAND = {
  binary: 0,
  parent: 3,
  uid: 6,
  gid: 7,
  auid: 8,
  cgroup: 9,
  tree: 10,
  namespace: 11,
  capEffective: 19,
  capPermitted: 20,
  lineage: 21,
  properties: 22,
  /** The first of a hook's own: MATCH_OWN(0). */
  own: 32,
} as const;
export const OPERANDS = 40;

/** enum match_namespace. */
export const NAMESPACES = ["mnt", "pid", "net", "uts", "ipc", "user", "cgroup", "time"] as const;
export type Namespace = (typeof NAMESPACES)[number];

/** Bits of enum process_property. */
export const PROPERTY = { setId: 1, memfd: 2, upper: 4, container: 8 } as const;

/** Places of the operands of a path by operator. */
export const TEXT_OFFSET: Partial<Record<Operator, 0 | 1 | 2>> = {
  in: 0,
  notIn: 0,
  prefix: 1,
  notPrefix: 1,
  suffix: 2,
  notSuffix: 2,
};

export type TextKind = "exact" | "prefix" | "suffix";
const TEXT_KINDS = ["exact", "prefix", "suffix"] as const;

/** How an operand compares a text, and whose lengths it takes part in: enum match_text_family. */
export function textOperand(operand: number): { kind: TextKind; family: 0 | 1 | 2 | 3 } {
  const own = operand >= OPERAND.own;
  const place = own ? operand - OPERAND.own : operand;
  const second = place >= 3 ? 1 : 0;
  return { kind: TEXT_KINDS[place % 3]!, family: own ? (second ? 3 : 2) : second };
}
