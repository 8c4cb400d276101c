import { accessSync } from "node:fs";
import { join } from "node:path";
import type { Hook } from "../../bus/types/selector.ts";
import { cgroup2Root } from "../process/cgroups.ts";
import { KernelError } from "./errors.ts";
import { BpfObject, SharedMaps } from "./object.ts";
import { tryProgram, type Trial } from "./trial.ts";

const OBJECTS = join(import.meta.dirname, "../../bpf/out");

/** What one way to attach a hook can do on this kernel. */
export interface RungProbe {
  hook: Hook | "process_seed";
  rung: string;
  /** The kernel took it. */
  ok: boolean;
  /** Whether selectors can deny by it. */
  can_deny: boolean;
  /** Whether the agent has programs for it; the others only say what the kernel would offer. */
  used: boolean;
  /** Why not, or what it is worth. */
  detail: string;
}

/**
 * Tries every rung of every hook by loading, and where that says nothing by attaching for a moment: the programs of the
 * agent as they are, and for rungs that it does not use one that does nothing. Leaves nothing behind. Needs root.
 */
export function probeRungs(): RungProbe[] {
  const maps = new SharedMaps();
  try {
    return [
      ...denyRungs("process_exec", "bprm_check_security"),
      ...processRungs(maps),
      ...denyRungs("network_connect", "socket_connect"),
      connectRung(maps),
    ];
  } finally {
    maps.close();
  }
}

function denyRungs(hook: Hook, lsmHook: string): RungProbe[] {
  const trials: [string, Trial][] = [
    ["lsm", { type: "lsm", target: `bpf_lsm_${lsmHook}` }],
    ["fmod_ret", { type: "fmod_ret", target: `security_${lsmHook === "socket_connect" ? lsmHook : "bprm_check"}` }],
  ];
  return trials.map(([rung, trial]) => {
    const failure = tryProgram(trial);
    const detail = failure ?? "would deny before it happens; not used yet";
    return { hook, rung, ok: failure === null, can_deny: failure === null, used: false, detail };
  });
}

function processRungs(maps: SharedMaps): RungProbe[] {
  const tracepoint = { rung: "tp_btf", used: true };
  const settings = { argument_bytes: 8192 };
  const whole = tryObject("process", maps, () => true, settings);
  const observing =
    whole === null ? null : tryObject("process", maps, (name) => name !== "process_exec_match", settings);
  const seed = tryObject("seed", maps, (name) => name === "seed_with_arguments", settings);
  return [
    {
      hook: "process_exec",
      ...tracepoint,
      ok: observing === null,
      can_deny: whole === null,
      detail:
        whole === null
          ? "denies by SIGKILL before the new image's first instruction"
          : (observing ?? `observes only: ${whole}`),
    },
    {
      hook: "process_seed",
      rung: "iter",
      used: true,
      ok: seed === null,
      can_deny: false,
      detail: seed ?? "lists what runs already",
    },
  ];
}

function connectRung(maps: SharedMaps): RungProbe {
  const root = cgroup2Root();
  const failure =
    root === undefined
      ? "no cgroup v2 hierarchy is mounted"
      : tryObject("network", maps, () => true, { connect_can_signal: 0 });
  return {
    hook: "network_connect",
    rung: "cgroup",
    used: true,
    ok: failure === null,
    can_deny: failure === null,
    detail: failure ?? `denies connect with EPERM below ${root}`,
  };
}

/** Loads the programs and gives them back; null when the kernel takes them, else why not. */
function tryObject(
  name: string,
  maps: SharedMaps,
  autoload: (program: string) => boolean,
  settings: Record<string, number>,
): string | null {
  const path = join(OBJECTS, `${name}.bpf.o`);
  try {
    accessSync(path);
    const object = BpfObject.open(path, { maps, autoload, settings, maxEntries: { events: 64 * 1024 } });
    try {
      object.load();
      return null;
    } finally {
      object.close();
    }
  } catch (error) {
    if (!(error instanceof KernelError)) return `${path} is missing; build it with: node bpf/build.mjs`;
    return error.message.split("\n").slice(-2).join(": ");
  }
}
