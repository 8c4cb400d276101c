import type { KindRung } from "./define-kind.ts";

const ENFORCES = ["deny", "kill", "signal"] as const;
const POSTS = ["post", "noPost"] as const;
const SEES = ["kill", "signal", ...POSTS] as const;

/** The programs of HOOK_TRIPLE(name, ...): two that deny, one that sees. */
export function triple(name: string, worth: { deny: string; see: string }): KindRung[] {
  const denies = { actions: [...ENFORCES, ...POSTS], waits: true, worth: worth.deny } as const;
  return [
    { name: "lsm", programs: [`${name}_lsm`], ...denies },
    { name: "fmod_ret", programs: [`${name}_fmod_ret`], ...denies },
    { name: "fentry", programs: [`${name}_fentry`], actions: SEES, waits: true, worth: worth.see },
  ];
}

/** Program <name>_sys_exit: sees what system calls did when they end. */
export function sysExit(name: string, worth: string): KindRung {
  return { name: "sys_exit", programs: [`${name}_sys_exit`], actions: SEES, worth };
}

/** Any other rung that sees and cannot deny. */
export function sees(name: string, programs: readonly string[], worth: string): KindRung {
  return { name, programs, actions: SEES, worth };
}
