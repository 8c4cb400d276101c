import type { BpfLoadEvent } from "../../../bus/generated/events.ts";
import { quoteOrNull } from "../../events/json.ts";
import { BPF_LOAD_COMMAND, BPF_LOAD_COMMAND_NAMES, type BpfLoadRecord } from "../../generated/records.ts";
import { named } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { integer, oneOf, string } from "../wire.ts";
import { ATTACH_TYPES, MAP_TYPES, PROGRAM_TYPES } from "./shared/bpf-names.ts";
import { decidedCalls, numbered, RESULT_FD, withError } from "./shared/calls.ts";

function nameOf(names: readonly string[], number: number): string {
  return `"${names[number] ?? number}"`;
}

export default defineKind<BpfLoadRecord, BpfLoadEvent>({
  kind: "bpf_load",
  doc: "A process loaded an eBPF program, map or BTF.",
  fields: {
    command: { type: oneOf(...Object.values(BPF_LOAD_COMMAND_NAMES)), from: "command" },
    name: { type: string, nullable: true, from: "name", doc: "name of the program or map; null for none" },
    object_id: {
      type: integer,
      nullable: true,
      from: "id",
      doc: "the new object's id; null when the call failed, and for BTF",
    },
    program_type: {
      ...{ type: string, nullable: true, from: "type" },
      doc: "kprobe, xdp, lsm ..., a number for one without name; null for what is no program",
    },
    attach_type: {
      ...{ type: string, nullable: true, from: "attach_type" },
      doc: "what a program says that it is attached to: trace_fentry, cgroup_inet4_connect ...; null for what is no program",
    },
    map_type: {
      ...{ type: string, nullable: true, from: "type" },
      doc: "hash, array, ringbuf ..., a number for one without name; null for what is no map",
    },
    size: { type: integer, from: "length" },
    key_size: { type: integer, from: "key_size" },
    value_size: { type: integer, from: "value_size" },
    flags: { type: integer, from: "flags" },
  },
  result: RESULT_FD,
  own: {
    command: named(0, 64, BPF_LOAD_COMMAND),
    program_type: named(1, 0xffff_ffff, numbered(PROGRAM_TYPES)),
    map_type: named(2, 0xffff_ffff, numbered(MAP_TYPES)),
  },
  rungs: decidedCalls({
    deciders: ["bpf_load"],
    tellers: ["bpf_load_sys_exit"],
    deny: "denies with EPERM before anything is loaded; observes all calls",
    see: "observes all calls and what became of them",
  }),
  members: (record) => {
    const program = record.command === BPF_LOAD_COMMAND.prog_load;
    const map = record.command === BPF_LOAD_COMMAND.map_create;
    return (
      `"command":"${BPF_LOAD_COMMAND_NAMES[record.command] ?? record.command}"` +
      `,"name":${quoteOrNull(record.name === "" ? null : record.name)},"object_id":${record.id === 0 ? "null" : record.id}` +
      `,"program_type":${program ? nameOf(PROGRAM_TYPES, record.type) : "null"}` +
      `,"attach_type":${program ? nameOf(ATTACH_TYPES, record.attachType) : "null"}` +
      `,"map_type":${map ? nameOf(MAP_TYPES, record.type) : "null"},"size":${record.length}` +
      `,"key_size":${record.keySize},"value_size":${record.valueSize},"flags":${record.flags}`
    );
  },
  example: {
    ...{
      command: "prog_load",
      name: "probe",
      object_id: 77,
      program_type: "kprobe",
      attach_type: "cgroup_inet_ingress",
    },
    ...{ map_type: null, size: 120, key_size: 0, value_size: 0, flags: 0, result: 5 },
  },
  show: {
    ...{ emoji: "🐝", verb: "bpf_load" },
    detail: ({ command, name, program_type, map_type, result }) =>
      withError([command, program_type ?? map_type, name].filter((word) => word !== null).join(" "), result),
  },
});
