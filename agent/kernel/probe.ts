import { join } from "node:path";
import type { Action, Hook } from "../../bus/types/selector.ts";
import { inCgroup, inShort, loadMatching, loadRung, obstacleOf } from "../hooks/climb.ts";
import { EXEC_KILL, EXEC_LADDER, KIND_LADDERS } from "../hooks/ladders.ts";
import { canDeny, type Rung } from "../hooks/rung.ts";
import { cgroup2Root } from "../process/cgroups.ts";
import { KernelError } from "./errors.ts";
import { BpfObject, SharedMaps } from "./object.ts";

const OBJECTS = join(import.meta.dirname, "../../bpf/out");

/** What is looked at: hooks, and what tells of the processes that run already. */
export type Probed = Hook | "process_seed";

/** What one way to attach a hook can do on this kernel. */
export interface RungProbe {
  hook: Probed;
  rung: string;
  /** The kernel took it. */
  ok: boolean;
  /** Whether selectors can deny by it. */
  can_deny: boolean;
  /** What selectors can do by it. */
  actions: readonly Action[];
  /** Whether it is the one that the agent takes here: the first of its hook that the kernel takes. */
  used: boolean;
  /** Why not, or what it is worth. */
  detail: string;
}

const MAX_ENTRIES = { events: 64 * 1024 };

/**
 * Tries every rung of every hook with the agent's own programs: by loading, and what is attached to no cgroup by attaching
 * for a moment, with no selector in force. Leaves nothing behind. Needs root.
 */
export function probeRungs(isProbed: (hook: Probed) => boolean = () => true): RungProbe[] {
  const maps = new SharedMaps();
  const exec = () => chosen([...probeLadder(EXEC_LADDER.hook, EXEC_LADDER.rungs, maps), probeProcess(maps)]);
  const ladders = KIND_LADDERS.filter(({ hook }) => isProbed(hook));
  try {
    return [
      ...(isProbed("process_exec") ? exec() : []),
      ...(isProbed("process_seed") ? [probeSeed(maps)] : []),
      ...ladders.flatMap(({ hook, rungs }) => chosen(probeLadder(hook, rungs, maps))),
    ];
  } finally {
    maps.close();
  }
}

/** Objects of bpf/out that the rungs of a hook are made of. */
export function objectsOf(hook: Probed): string[] {
  if (hook === "process_seed") return ["seed"];
  const rungs = [EXEC_LADDER, ...KIND_LADDERS].find((ladder) => ladder.hook === hook)?.rungs ?? [];
  return [...new Set([...rungs.map(({ object }) => object), ...(hook === "process_exec" ? [EXEC_KILL.object] : [])])];
}

/** Of several with one name the first that works, else the last. */
function probeLadder(hook: Hook, rungs: readonly Rung[], maps: SharedMaps): RungProbe[] {
  const probes = new Map<string, RungProbe>();
  for (const rung of rungs) {
    if (probes.get(rung.name)?.ok) continue;
    const failure = tryRung(rung, maps);
    const ok = failure === null;
    const detail = failure ?? rung.worth;
    const can = { can_deny: ok && canDeny(rung), actions: ok ? rung.actions : [] };
    probes.set(rung.name, { hook, rung: rung.name, ok, ...can, used: false, detail });
  }
  return [...probes.values()];
}

/** Execs are seen by the same rung that kills; without the matcher it still sees. */
function probeProcess(maps: SharedMaps): RungProbe {
  const whole = tryObject("process", maps, () => true, EXEC_KILL.programs);
  const observing =
    whole === null ? null : tryObject("process", maps, (name) => !EXEC_KILL.programs.includes(name), []);
  const detail = whole === null ? EXEC_KILL.worth : (observing ?? `observes only: ${whole}`);
  return {
    ...{ hook: "process_exec", rung: EXEC_KILL.name, ok: observing === null, can_deny: whole === null },
    ...{ actions: whole === null ? EXEC_KILL.actions : [], used: false, detail },
  };
}

function probeSeed(maps: SharedMaps): RungProbe {
  const withArguments = tryObject("seed", maps, (name) => name === "seed_with_arguments", []);
  const failure =
    withArguments === null ? null : tryObject("seed", maps, (name) => name === "seed_without_arguments", []);
  const detail =
    withArguments === null ? "lists what runs already" : (failure ?? "lists what runs already; arguments from /proc");
  return {
    hook: "process_seed",
    rung: "iter",
    ok: failure === null,
    can_deny: false,
    actions: [],
    used: failure === null,
    detail,
  };
}

function chosen(probes: RungProbe[]): RungProbe[] {
  const first = probes.find(({ ok }) => ok);
  return probes.map((probe) => ({ ...probe, used: probe === first }));
}

function tryRung(rung: Rung, maps: SharedMaps): string | null {
  const obstacle = obstacleOf(rung);
  if (obstacle !== undefined) return obstacle;
  if (rung.cgroup && cgroup2Root() === undefined) return "no cgroup v2 hierarchy is mounted";
  return attempt(
    () => loadRung(rung, { maps, maxEntries: MAX_ENTRIES }),
    rung.programs.filter((program) => !inCgroup(rung, program)),
  );
}

function tryObject(
  name: string,
  maps: SharedMaps,
  autoload: (program: string) => boolean,
  attach: readonly string[],
): string | null {
  const options = { maps, autoload, maxEntries: MAX_ENTRIES };
  return attempt(() => {
    if (name === "process") return loadMatching("process.bpf.o", options);
    const object = BpfObject.open(join(OBJECTS, `${name}.bpf.o`), options);
    object.load();
    return object;
  }, attach);
}

/** Attaches some of what was loaded, and gives all back; null when the kernel takes it, else why not. */
function attempt(load: () => BpfObject, attach: readonly string[]): string | null {
  try {
    const object = load();
    try {
      for (const program of attach) object.attach(program).close();
      return null;
    } finally {
      object.close();
    }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return inShort(error);
  }
}
