import { defineHook } from "./define.ts";

/** bpf/include/match.h: all that it matches is the process. */
export const PROCESS_EXEC = defineHook({ hook: "process_exec", number: 0, own: {} });
