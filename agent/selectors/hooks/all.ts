import { type Hook, HOOKS } from "../../../bus/types/selector.ts";
import type { FieldOperand, HookDefinition } from "./define.ts";
import { FILE_OPEN } from "./file-open.ts";
import { NETWORK_CONNECT } from "./network-connect.ts";
import { PROCESS_EXEC } from "./process-exec.ts";
import { PROCESS_FIELDS } from "./process.ts";

/** Every hook that the matcher decides at. A new one is a file beside this and a line here. */
export const HOOK_DEFINITIONS: Readonly<Record<Hook, HookDefinition>> = {
  process_exec: PROCESS_EXEC,
  network_connect: NETWORK_CONNECT,
  file_open: FILE_OPEN,
};

/** MATCH_HOOKS of the kernel's tables; hooks that are defined are numbered below it. */
export const MAX_HOOKS = 64;

/** How a field of a hook's selectors is matched; undefined for a field that it does not have. */
export function operandOf(hook: Hook, field: string): FieldOperand | undefined {
  const { own } = HOOK_DEFINITIONS[hook];
  if (Object.hasOwn(own, field)) return own[field];
  return Object.hasOwn(PROCESS_FIELDS, field) ? PROCESS_FIELDS[field] : undefined;
}

export function hookNumber(hook: Hook): number {
  return HOOK_DEFINITIONS[hook].number;
}

export { HOOKS };
