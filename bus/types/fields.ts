import { OWN_FIELDS } from "../generated/hooks.ts";
import { type Hook, HOOKS, type Operator } from "./selector.ts";

/**
 * How the values of a field are written: `path`, `text` and `address` are strings, `number` also takes `[low, high]` in ranges,
 * `device` is "major:minor", `flags` are names of bits (O_CREAT), `capability` names (CAP_SYS_ADMIN), `namespace` is an inode's
 * number or "host", `protocol` a number, "tcp" or "udp", `name` a number or one of the names that it has, `boolean` is "true"
 * or "false".
 */
export type FieldType =
  | "path"
  | "text"
  | "number"
  | "address"
  | "device"
  | "flags"
  | "capability"
  | "namespace"
  | "protocol"
  | "name"
  | "boolean";

export interface SelectorField {
  type: FieldType;
  operators: readonly Operator[];
  hooks: readonly Hook[];
  /** The names that values have, where they have some. */
  names?: readonly string[];
  /** The highest number; 2^32 - 1 where none is said. */
  most?: number;
}

const PATH_OPERATORS = ["in", "notIn", "prefix", "notPrefix", "suffix", "notSuffix"] as const;
/** Of any of several paths. */
const ANCESTOR_OPERATORS = ["in", "notIn", "prefix", "notPrefix"] as const;
const NUMBER_OPERATORS = ["in", "notIn", "range", "notRange"] as const;
const ID_OPERATORS = [...NUMBER_OPERATORS, "mask"] as const;
const SET_OPERATORS = ["in", "notIn"] as const;
const EVERY_HOOK = HOOKS;

/**
 * The vocabulary of predicates: what may be written at all. Whether a given kernel can take one is the agent's answer,
 * which it gives in its status.
 */
export const SELECTOR_FIELDS: Readonly<Record<string, SelectorField>> = {
  "process.binary": { type: "path", operators: PATH_OPERATORS, hooks: EVERY_HOOK },
  "parent.binary": { type: "path", operators: PATH_OPERATORS, hooks: EVERY_HOOK },
  "ancestors.binary": { type: "path", operators: ANCESTOR_OPERATORS, hooks: EVERY_HOOK },
  "process.uid": { type: "number", operators: ID_OPERATORS, hooks: EVERY_HOOK },
  "process.gid": { type: "number", operators: ID_OPERATORS, hooks: EVERY_HOOK },
  "process.auid": { type: "number", operators: ID_OPERATORS, hooks: EVERY_HOOK },
  "process.cap.effective": { type: "capability", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.cap.permitted": { type: "capability", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.set_id": { type: "boolean", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.memfd": { type: "boolean", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.upper_layer": { type: "boolean", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.in_container": { type: "boolean", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.ns.mnt": { type: "namespace", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.ns.pid": { type: "namespace", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.ns.net": { type: "namespace", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.ns.uts": { type: "namespace", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.ns.ipc": { type: "namespace", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.ns.user": { type: "namespace", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.ns.cgroup": { type: "namespace", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  "process.ns.time": { type: "namespace", operators: SET_OPERATORS, hooks: EVERY_HOOK },
  ...OWN_FIELDS,
};
