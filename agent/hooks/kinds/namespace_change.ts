import type { NamespaceChangeEvent } from "../../../bus/generated/events.ts";
import {
  NAMESPACE_CALL,
  NAMESPACE_CALL_NAMES,
  NAMESPACE_TYPE,
  type NamespaceChangeRecord,
} from "../../generated/records.ts";
import { flags, named } from "../../selectors/hooks/define.ts";
import { defineKind, type KindRung } from "../define-kind.ts";
import { list, object, oneOf, string } from "../wire.ts";
import { bitNames, decidedCalls, RESULT, withError } from "./shared/calls.ts";

const CALL_FLAGS = {
  CLONE_FS: 0x200,
  CLONE_FILES: 0x400,
  CLONE_SIGHAND: 0x800,
  CLONE_VM: 0x100,
  CLONE_PIDFD: 0x1000,
  CLONE_PTRACE: 0x2000,
  CLONE_VFORK: 0x4000,
  CLONE_PARENT: 0x8000,
  CLONE_THREAD: 0x10000,
  CLONE_SYSVSEM: 0x40000,
  CLONE_SETTLS: 0x80000,
  CLONE_PARENT_SETTID: 0x100000,
  CLONE_CHILD_CLEARTID: 0x200000,
  CLONE_UNTRACED: 0x800000,
  CLONE_CHILD_SETTID: 0x1000000,
  CLONE_NEWTIME: NAMESPACE_TYPE.time,
  CLONE_NEWNS: NAMESPACE_TYPE.mnt,
  CLONE_NEWCGROUP: NAMESPACE_TYPE.cgroup,
  CLONE_NEWUTS: NAMESPACE_TYPE.uts,
  CLONE_NEWIPC: NAMESPACE_TYPE.ipc,
  CLONE_NEWUSER: NAMESPACE_TYPE.user,
  CLONE_NEWPID: NAMESPACE_TYPE.pid,
  CLONE_NEWNET: NAMESPACE_TYPE.net,
};

const NAMESPACES = {
  ...{ uts: 4026531838, ipc: 4026531839, mnt: 4026531841, pid: 4026531836, pid_for_children: 4026531836 },
  ...{ net: 4026531840, time: 4026531834, cgroup: 4026531835, user: 4026531837 },
};

function before(record: NamespaceChangeRecord): string {
  return JSON.stringify({
    ...{ uts: record.beforeUts, ipc: record.beforeIpc, mnt: record.beforeMnt, pid: record.beforePid },
    ...{ pid_for_children: record.beforePidForChildren, net: record.beforeNet, time: record.beforeTime },
    ...{ cgroup: record.beforeCgroup, user: record.beforeUser },
  });
}

function after(record: NamespaceChangeRecord): string {
  return JSON.stringify({
    ...{ uts: record.afterUts, ipc: record.afterIpc, mnt: record.afterMnt, pid: record.afterPid },
    ...{ pid_for_children: record.afterPidForChildren, net: record.afterNet, time: record.afterTime },
    ...{ cgroup: record.afterCgroup, user: record.afterUser },
  });
}

const RUNGS = decidedCalls({
  deciders: ["namespace_admin", "namespace_user"],
  tellers: ["namespace_sys_enter", "namespace_sys_exit", "namespace_newtask"],
  deny: "denies with EPERM before a namespace is made or entered; observes all calls",
  see: "observes all calls and what became of them",
});

/** Before 6.1 nothing is asked about a user namespace that is made; the others need CAP_SYS_ADMIN. */
function withoutUsers(rung: KindRung): KindRung {
  return {
    ...rung,
    programs: rung.programs.filter((name) => !name.startsWith("namespace_user")),
    worth:
      "denies with EPERM before a namespace is made or entered, but for user namespaces that are made; observes all calls",
  };
}

export default defineKind<NamespaceChangeRecord, NamespaceChangeEvent>({
  kind: "namespace_change",
  doc: "A thread asked for other namespaces, for itself or for a new process.",
  fields: {
    call: { type: oneOf(...Object.values(NAMESPACE_CALL_NAMES)), from: "call" },
    types: { type: list(string), from: "types" },
    flags: { type: list(string), from: "flags" },
    old: {
      ...{ type: object("Namespaces"), nullable: true, from: "before" },
      doc: "namespaces before the call, at clone those of the parent; null when unknown",
    },
    new: { type: object("Namespaces"), from: "after", doc: "namespaces after the call, at clone those of the child" },
    child: {
      ...{ type: object("ParentRef"), nullable: true, from: ["child.start", "child.self_exec_id", "child.tgid"] },
      doc: "the new process at clone, else null",
    },
  },
  internal: {
    "before.": "inodes as in process_exec",
    "after.": "inodes as in process_exec",
    before_known: "old is null",
  },
  result: `${RESULT}; at clone the new process's id`,
  own: { call: named(0, 3, NAMESPACE_CALL), types: flags(1, NAMESPACE_TYPE) },
  rungs: [...RUNGS.slice(0, 2), ...RUNGS.slice(0, 2).map(withoutUsers), ...RUNGS.slice(2)],
  members: (record, context) => {
    const { childTgid, childStart, childSelfExecId } = record;
    const child = { tgid: childTgid, start: childStart, selfExecId: childSelfExecId };
    return (
      `"call":"${NAMESPACE_CALL_NAMES[record.call] ?? record.call}"` +
      `,"types":${JSON.stringify(bitNames(record.types, NAMESPACE_TYPE))}` +
      `,"flags":${JSON.stringify(bitNames(record.flags, CALL_FLAGS))}` +
      `,"old":${record.beforeKnown ? before(record) : "null"},"new":${after(record)}` +
      `,"child":${context.process(child, record.time)}`
    );
  },
  example: {
    ...{ call: "unshare", types: ["mnt"], flags: ["CLONE_NEWNS"], old: NAMESPACES, child: null, result: 0 },
    new: { ...NAMESPACES, mnt: 4026532201 },
  },
  show: {
    ...{ emoji: "🔧", verb: "ns" },
    detail: ({ call, types, child, result }) =>
      withError(`${call} ${types.join(",")}${child ? ` -> ${child.pid}` : ""}`, result),
  },
});
