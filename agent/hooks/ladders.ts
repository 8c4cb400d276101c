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

export const CONNECT_LADDER: Ladder = {
  hook: "network_connect",
  rungs: [
    {
      name: "lsm",
      object: "connect",
      programs: ["connect_lsm", "send_lsm"],
      actions: ENFORCES,
      worth: "denies connections and datagrams with EPERM, of whatever protocol",
    },
    {
      name: "fmod_ret",
      object: "connect",
      programs: ["connect_fmod_ret", "send_fmod_ret"],
      actions: ENFORCES,
      worth: "denies connections and datagrams with EPERM, of whatever protocol",
    },
    {
      name: "cgroup",
      object: "network",
      programs: ["connect4", "connect6", "sendmsg4", "sendmsg6"],
      settings: { connect_can_signal: 1 },
      cgroup: true,
      actions: ENFORCES,
      worth: "denies TCP and UDP with EPERM",
    },
    {
      name: "cgroup",
      object: "network",
      programs: ["connect4", "connect6", "sendmsg4", "sendmsg6"],
      settings: { connect_can_signal: 0 },
      cgroup: true,
      actions: ["deny"],
      worth: "denies TCP and UDP with EPERM; this kernel lets it send no signals",
    },
  ],
};

/** Hooks that are attached while a selector asks for them. */
export const KIND_LADDERS: readonly Ladder[] = KINDS.map(({ kind, rungs }) => ({ hook: kind as Hook, rungs }));
