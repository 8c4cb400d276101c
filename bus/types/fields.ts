import type { Hook, Operator } from "./selector.ts";

/**
 * How the values of a field are written: `path` and `address` are strings, `number` also takes `[low, high]` in ranges,
 * `device` is "major:minor", `flags` are names (O_CREAT).
 */
export type FieldType = "path" | "number" | "address" | "device" | "flags";

export interface SelectorField {
  type: FieldType;
  operators: readonly Operator[];
  hooks: readonly Hook[];
}

const PATH_OPERATORS = ["in", "notIn", "prefix", "notPrefix", "suffix", "notSuffix"] as const;
const NUMBER_OPERATORS = ["in", "notIn", "range", "notRange", "mask"] as const;
const ADDRESS_OPERATORS = ["in", "notIn", "cidr", "notCidr"] as const;
const EVERY_HOOK = ["process_exec", "network_connect", "file_open"] as const;
const NETWORK_HOOKS = ["network_connect"] as const;
const FILE_HOOKS = ["file_open"] as const;

/**
 * The vocabulary of predicates: what may be written at all. Whether a given kernel can take one is the agent's answer,
 * which it gives in its status.
 */
export const SELECTOR_FIELDS: Readonly<Record<string, SelectorField>> = {
  "process.binary": { type: "path", operators: PATH_OPERATORS, hooks: EVERY_HOOK },
  "parent.binary": { type: "path", operators: PATH_OPERATORS, hooks: EVERY_HOOK },
  "process.uid": { type: "number", operators: NUMBER_OPERATORS, hooks: EVERY_HOOK },
  "socket.daddr": { type: "address", operators: ADDRESS_OPERATORS, hooks: NETWORK_HOOKS },
  "socket.dport": { type: "number", operators: NUMBER_OPERATORS, hooks: NETWORK_HOOKS },
  "file.path": { type: "path", operators: PATH_OPERATORS, hooks: FILE_HOOKS },
  "file.inode": { type: "number", operators: ["in", "notIn", "range", "notRange"], hooks: FILE_HOOKS },
  "file.device": { type: "device", operators: ["in", "notIn"], hooks: FILE_HOOKS },
  "file.flags": { type: "flags", operators: ["mask"], hooks: FILE_HOOKS },
};
