import { readdirSync, readlinkSync } from "node:fs";
import { libbpf } from "./libbpf.ts";

/** How often a loaded program ran, and for how long; both 0 while the kernel does not time programs (kernel.bpf_stats_enabled). */
export interface ProgramStats {
  name: string;
  runs: number;
  ns: number;
}

const INFO_BYTES = 232;
/** Places in struct bpf_prog_info. */
const ID = 4;
const NAME = 64;
const NAME_BYTES = 16;
const RUN_TIME = 192;
const RUN_COUNT = 200;

/** The eBPF programs that this process holds. */
export function programStats(): ProgramStats[] {
  const programs = new Map<number, ProgramStats>();
  for (const name of readdirSync("/proc/self/fd")) {
    const fd = Number(name);
    if (!isProgram(fd)) continue;
    const info = Buffer.alloc(INFO_BYTES);
    if (libbpf().bpf_obj_get_info_by_fd(fd, info, new Uint32Array([INFO_BYTES])) < 0) continue;
    const end = info.indexOf(0, NAME);
    programs.set(info.readUInt32LE(ID), {
      name: info.toString("latin1", NAME, end < 0 ? NAME + NAME_BYTES : Math.min(end, NAME + NAME_BYTES)),
      runs: Number(info.readBigUInt64LE(RUN_COUNT)),
      ns: Number(info.readBigUInt64LE(RUN_TIME)),
    });
  }
  return [...programs.values()];
}

function isProgram(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:bpf-prog";
  } catch {
    // closed meanwhile
    return false;
  }
}
