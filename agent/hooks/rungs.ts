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

/**
 * Programs <name>_lsm and <name>_fmod_ret, which deny before the act, and those that tell of it when it is done: nothing
 * waits for the end of the system call.
 */
export function deniesAndTells(
  name: string,
  tells: readonly string[],
  worth: string,
  settings: Readonly<Record<string, number>> = {},
): KindRung[] {
  return ["lsm", "fmod_ret"].map((rung) => ({
    name: rung,
    settings,
    programs: [`${name}_${rung}`, ...tells],
    tells,
    actions: [...ENFORCES, ...POSTS],
    worth,
  }));
}

/** `denies` in a cgroup; `setting` says whether they may signal, which some kernels do not let them. `tells`: elsewhere. */
export function cgroupRungs(
  denies: readonly string[],
  tells: readonly string[],
  setting: string,
  worth: string,
): KindRung[] {
  const rung = { name: "cgroup", programs: [...denies, ...tells], tells, cgroup: denies };
  return [
    { ...rung, settings: { [setting]: 1 }, actions: [...ENFORCES, ...POSTS], worth },
    {
      ...{ ...rung, settings: { [setting]: 0 }, actions: ["deny", ...POSTS] },
      worth: `${worth}; this kernel lets it send no signals`,
    },
  ];
}

/** Rungs of two triples at once: a hook that stands at two places of the kernel. */
export function bothOf(one: readonly KindRung[], other: readonly KindRung[]): KindRung[] {
  return one.map((rung, at) => {
    const { programs, tells = [] } = other[at]!;
    return { ...rung, programs: [...rung.programs, ...programs], tells: [...(rung.tells ?? []), ...tells] };
  });
}
