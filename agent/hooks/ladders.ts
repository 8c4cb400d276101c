import type { Hook } from "../../bus/types/selector.ts";
import { KINDS } from "../generated/kinds.ts";
import type { Ladder, Rung } from "./rung.ts";

const ENFORCES = ["deny", "kill", "signal"] as const;

/**
 * The kill at sched_process_exec is not here: its program belongs to those that observe processes, which every kernel has.
 * What the new image's credentials will be is not settled when LSM is asked.
 */
export const EXEC_LADDER: Ladder = {
  hook: "process_exec",
  rungs: [
    {
      name: "lsm",
      object: "exec",
      programs: ["exec_lsm"],
      actions: ENFORCES,
      notFinal: ["process.cap.effective", "process.cap.permitted"],
      worth: "denies with EPERM before the exec happens",
    },
    {
      name: "fmod_ret",
      object: "exec",
      programs: ["exec_fmod_ret"],
      actions: ENFORCES,
      notFinal: ["process.cap.effective", "process.cap.permitted"],
      worth: "denies with EPERM before the exec happens",
    },
  ],
};

export const EXEC_KILL: Rung = {
  name: "tp_btf",
  object: "process",
  programs: ["process_exec_match"],
  actions: ENFORCES,
  worth: "denies by SIGKILL before the new image's first instruction",
};

/** Hooks that are attached while a selector asks for them. */
export const KIND_LADDERS: readonly Ladder[] = KINDS.map(({ kind, rungs }) => ({ hook: kind as Hook, rungs }));

export const CONNECT_LADDER: Ladder = KIND_LADDERS.find(({ hook }) => hook === "network_connect")!;
