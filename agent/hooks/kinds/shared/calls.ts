import type { KindRung } from "../../define-kind.ts";

const POSTS = ["post", "noPost"] as const;
const SEES = ["kill", "signal", ...POSTS] as const;
/** MATCH_WANT_POST of bpf/include/match_event.h: the rest is decided before the call ends. */
const WANT_POST = 2;

export interface DecidedCalls {
  /** Of HOOK_DECIDES: without `_lsm` and `_fmod_ret`. */
  deciders: readonly string[];
  /** Programs that tell of the call's end, the same on each rung. */
  tellers: readonly string[];
  deny: string;
  see: string;
}

/** The rungs of a hook whose LSM programs decide on system calls that other programs tell at their end: bpf/include/call.h. */
export function decidedCalls({ deciders, tellers, deny, see }: DecidedCalls): KindRung[] {
  const denying = (name: "lsm" | "fmod_ret"): KindRung => ({
    ...{ name, programs: [...deciders.map((program) => `${program}_${name}`), ...tellers], tells: tellers },
    ...{ actions: ["deny", ...SEES], settings: { call_want: WANT_POST }, worth: deny },
  });
  return [denying("lsm"), denying("fmod_ret"), { name: "sys_exit", programs: tellers, actions: SEES, worth: see }];
}

/** Numbers by name. */
export function numbered(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name, number) => [name, number]));
}

/** Names of the bits that are set, in the table's order; bits without name are told together as a number (`0x40`). */
export function bitNames(bits: number, names: Readonly<Record<string, number>>): string[] {
  let rest = bits >>> 0;
  const found: string[] = [];
  for (const [name, bit] of Object.entries(names)) {
    if ((rest & bit) >>> 0 !== bit >>> 0 || bit === 0) continue;
    found.push(name);
    rest = (rest & ~bit) >>> 0;
  }
  return rest === 0 ? found : [...found, `0x${rest.toString(16)}`];
}

/** A number below 0 is minus an error's. */
export const RESULT = "0, or the error as a negative number";
export const RESULT_FD = "the new file descriptor, or the error as a negative number";

/** `= -1` where a call failed, else what it is about alone. */
export function withError(detail: string, result: number | null): string {
  return result !== null && result < 0 ? `${detail} = ${result}` : detail;
}
