import { lsmObstacle } from "../kernel/lsm.ts";
import type { Ladder, Rung } from "./rung.ts";

const ENFORCES = ["deny", "kill", "signal"] as const;
const POSTS = ["post", "noPost"] as const;

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
      obstacle: lsmObstacle,
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

export const FILE_LADDER: Ladder = {
  hook: "file_open",
  rungs: [
    {
      name: "lsm",
      object: "file",
      programs: ["file_open_lsm"],
      actions: [...ENFORCES, ...POSTS],
      worth: "denies with EPERM before anything is read, written or truncated",
      obstacle: lsmObstacle,
    },
    {
      name: "fmod_ret",
      object: "file",
      programs: ["file_open_fmod_ret"],
      actions: [...ENFORCES, ...POSTS],
      worth: "denies with EPERM before anything is read, written or truncated",
    },
    {
      name: "fentry",
      object: "file",
      programs: ["file_open_fentry"],
      actions: ["kill", "signal", ...POSTS],
      worth: "observes every open; what the kernel will say is not known yet",
    },
    {
      name: "sys_exit",
      object: "file",
      programs: ["file_open_sys_exit"],
      actions: ["kill", "signal", ...POSTS],
      worth: "observes opens by system calls that succeeded, not those by io_uring",
    },
  ],
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
      obstacle: lsmObstacle,
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
