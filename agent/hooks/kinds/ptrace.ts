import type { PtraceEvent } from "../../../bus/generated/events.ts";
import { PTRACE_OTHER, type PtraceRecord } from "../../generated/records.ts";
import { named, ownNumber } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { integer, object, string } from "../wire.ts";
import { decidedCalls, RESULT, withError } from "./shared/calls.ts";
import { OTHER_PROCESS } from "./shared/examples.ts";

/** linux/ptrace.h, and those of x86. */
const REQUESTS: Readonly<Record<string, number>> = {
  PTRACE_TRACEME: 0,
  PTRACE_PEEKTEXT: 1,
  PTRACE_PEEKDATA: 2,
  PTRACE_PEEKUSR: 3,
  PTRACE_POKETEXT: 4,
  PTRACE_POKEDATA: 5,
  PTRACE_POKEUSR: 6,
  PTRACE_CONT: 7,
  PTRACE_KILL: 8,
  PTRACE_SINGLESTEP: 9,
  PTRACE_GETREGS: 12,
  PTRACE_SETREGS: 13,
  PTRACE_GETFPREGS: 14,
  PTRACE_SETFPREGS: 15,
  PTRACE_ATTACH: 16,
  PTRACE_DETACH: 17,
  PTRACE_SYSCALL: 24,
  PTRACE_ARCH_PRCTL: 30,
  PTRACE_SYSEMU: 31,
  PTRACE_SYSEMU_SINGLESTEP: 32,
  PTRACE_SETOPTIONS: 0x4200,
  PTRACE_GETEVENTMSG: 0x4201,
  PTRACE_GETSIGINFO: 0x4202,
  PTRACE_SETSIGINFO: 0x4203,
  PTRACE_GETREGSET: 0x4204,
  PTRACE_SETREGSET: 0x4205,
  PTRACE_SEIZE: 0x4206,
  PTRACE_INTERRUPT: 0x4207,
  PTRACE_LISTEN: 0x4208,
  PTRACE_PEEKSIGINFO: 0x4209,
  PTRACE_GETSIGMASK: 0x420a,
  PTRACE_SETSIGMASK: 0x420b,
  PTRACE_SECCOMP_GET_FILTER: 0x420c,
  PTRACE_SECCOMP_GET_METADATA: 0x420d,
  PTRACE_GET_SYSCALL_INFO: 0x420e,
  PTRACE_GET_RSEQ_CONFIGURATION: 0x420f,
  ...PTRACE_OTHER,
};

const NAMES = new Map(Object.entries(REQUESTS).map(([name, number]) => [number, name]));

export default defineKind<PtraceRecord, PtraceEvent>({
  kind: "ptrace",
  doc: "A process took hold of another: traced it, read or wrote its memory, took a descriptor of it.",
  fields: {
    request: {
      ...{ type: string, from: "request" },
      doc:
        "PTRACE_ATTACH, PTRACE_POKETEXT ..., a number for one without name, or what is no request of ptrace: " +
        "process_vm_readv, process_vm_writev, pidfd_getfd",
    },
    target: {
      ...{ type: object("ParentRef"), nullable: true, from: ["target.start", "target.self_exec_id", "target.tgid"] },
      doc: "the other process: the traced one; of PTRACE_TRACEME the parent, which then traces. null when there is none",
    },
    target_pid: { type: integer, from: "target_pid" },
    address: {
      ...{ type: string, from: "address" },
      doc: "hexadecimal: address in the other process, or of the request's argument; 0x0 for none",
    },
    data: {
      ...{ type: string, from: "data" },
      doc: "hexadecimal: the request's data, bytes of the first piece that is read or written, or the descriptor taken",
    },
  },
  result: `${RESULT}; what was read or written in bytes, or the new descriptor`,
  own: { request: named(0, 0xffff_ffff, REQUESTS), "target.pid": ownNumber(1, 0xffff_ffff) },
  rungs: decidedCalls({
    deciders: ["ptrace_access", "ptrace_traceme"],
    tellers: ["ptrace_sys_exit"],
    deny: "denies with EPERM to trace a process, to touch its memory (by /proc too), to take its descriptors; observes all calls",
    see: "observes all calls and what became of them",
  }),
  members: (record, context) => {
    const { request, targetTgid, targetStart, targetSelfExecId } = record;
    const target = { tgid: targetTgid, start: targetStart, selfExecId: targetSelfExecId };
    return (
      `"request":"${NAMES.get(request) ?? request}","target":${context.process(target, record.time)}` +
      `,"target_pid":${record.targetPid},"address":"0x${record.address.toString(16)}"` +
      `,"data":"0x${record.data.readBigUInt64LE().toString(16)}"`
    );
  },
  example: {
    request: "PTRACE_ATTACH",
    target: OTHER_PROCESS,
    target_pid: 4300,
    address: "0x0",
    data: "0x0",
    result: 0,
  },
  show: {
    ...{ emoji: "🪝", verb: "ptrace" },
    detail: ({ request, target, target_pid, result }) =>
      withError(`${request} ${target?.pid ?? target_pid} ${target?.binary ?? ""}`.trimEnd(), result),
  },
});
