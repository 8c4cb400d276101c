import { closeSync } from "node:fs";
import { errnoName } from "./errors.ts";
import { libbpf } from "./libbpf.ts";

/** A program that does nothing, and where to try it. `target` is a kernel function. */
export interface Trial {
  type: "lsm" | "fmod_ret" | "fentry";
  target: string;
}

// enum bpf_prog_type, enum bpf_attach_type
const BPF_PROG_TYPE_TRACING = 26;
const BPF_PROG_TYPE_LSM = 29;
const ATTACH = { fentry: 24, fmod_ret: 26, lsm: 27 } as const;
/** struct bpf_prog_load_opts up to attach_btf_id. */
const OPTIONS_BYTES = 40;
/** r0 = 0; exit */
const RETURN_ZERO = Buffer.from("b7000000000000009500000000000000", "hex");

/** Loads the program and attaches it for a moment. Null when the kernel took it, else why not. */
export function tryProgram(trial: Trial): string | null {
  const kept = keepProgram(trial);
  if (typeof kept === "string") return kept;
  closeSync(kept.link);
  closeSync(kept.program);
  return null;
}

/** Loads and attaches the program. Returns its descriptors, which the caller closes; else why the kernel did not take it. */
export function keepProgram(trial: Trial): { program: number; link: number } | string {
  const b = libbpf();
  const attachType = ATTACH[trial.type];
  const id = b.libbpf_find_vmlinux_btf_id(
    trial.type === "lsm" ? trial.target.slice("bpf_lsm_".length) : trial.target,
    attachType,
  );
  if (id < 0) return `this kernel has no ${trial.target}: ${errnoName(-id)}`;
  const options = Buffer.alloc(OPTIONS_BYTES);
  options.writeBigUInt64LE(BigInt(OPTIONS_BYTES), 0);
  options.writeUInt32LE(attachType, 12);
  options.writeUInt32LE(id, 32);
  const type = trial.type === "lsm" ? BPF_PROG_TYPE_LSM : BPF_PROG_TYPE_TRACING;
  const program = b.bpf_prog_load(type, "reeve_trial", "GPL", RETURN_ZERO, RETURN_ZERO.length / 8, options);
  if (program < 0) return `load refused: ${errnoName(-program)}`;
  const link = b.bpf_raw_tracepoint_open(null, program);
  if (link >= 0) return { program, link };
  closeSync(program);
  return `attach refused: ${errnoName(-link)}`;
}
