import { closeSync } from "node:fs";
import { errnoName } from "./errors.ts";
import { libbpf } from "./libbpf.ts";
import { libc } from "./libc.ts";
import { keepProgram } from "./trial.ts";

/** enum bpf_stats_type */
const BPF_STATS_RUN_TIME = 0;
/** struct bpf_prog_info up to run_cnt, and where that stands. */
const INFO_BYTES = 208;
const RUN_COUNT_AT = 200;

let known: { obstacle: string | undefined } | undefined;

/**
 * Why LSM programs would never be called on this kernel, though it takes them: eBPF is not among the security modules that
 * it was booted with. Undefined when they are called. Found out by one that does nothing, once.
 */
export function lsmObstacle(): string | undefined {
  known ??= { obstacle: look() };
  return known.obstacle;
}

function look(): string | undefined {
  const kept = keepProgram({ type: "lsm", target: "bpf_lsm_task_getpgid" });
  if (typeof kept === "string") return kept;
  const stats = libbpf().bpf_enable_stats(BPF_STATS_RUN_TIME);
  try {
    if (stats < 0) return `cannot count whether LSM programs run: ${errnoName(-stats)}`;
    const before = runCount(kept.program);
    libc().getpgid(process.pid);
    if (runCount(kept.program) > before) return undefined;
    return 'the kernel takes LSM programs, but runs none: "bpf" is missing from its lsm= (boot parameter)';
  } finally {
    if (stats >= 0) closeSync(stats);
    closeSync(kept.link);
    closeSync(kept.program);
  }
}

function runCount(program: number): bigint {
  const info = Buffer.alloc(INFO_BYTES);
  if (libbpf().bpf_obj_get_info_by_fd(program, info, new Uint32Array([INFO_BYTES])) < 0) return 0n;
  return info.readBigUInt64LE(RUN_COUNT_AT);
}
