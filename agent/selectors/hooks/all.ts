import { type Hook, HOOKS } from "../../../bus/types/selector.ts";
import { KINDS } from "../../generated/kinds.ts";
import { DENIAL_HOOK } from "../../generated/records.ts";
import { BASE_FIELDS } from "./base.ts";
import type { FieldOperand, OwnField } from "./define.ts";
import { PROCESS_FIELDS } from "./process.ts";

const OWN: Readonly<Record<string, Readonly<Record<string, OwnField>>>> = {
  ...BASE_FIELDS,
  ...Object.fromEntries(KINDS.map(({ kind, own }) => [kind, own])),
};

/** MATCH_HOOKS of the kernel's tables; hooks that are defined are numbered below it. */
export const MAX_HOOKS = 64;

/** How a field of a hook's selectors is matched; undefined for a field that it does not have. */
export function operandOf(hook: Hook, field: string): FieldOperand | undefined {
  const own = OWN[hook] ?? {};
  if (Object.hasOwn(own, field)) return own[field]?.operand;
  return Object.hasOwn(PROCESS_FIELDS, field) ? PROCESS_FIELDS[field] : undefined;
}

export function hookNumber(hook: Hook): number {
  return DENIAL_HOOK[hook];
}

export { HOOKS };
