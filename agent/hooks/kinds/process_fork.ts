import type { ProcessForkEvent } from "../../../bus/generated/events.ts";
import type { ProcessForkRecord } from "../../generated/records.ts";
import { defineKind } from "../define-kind.ts";
import { sees } from "../rungs.ts";
import { object } from "../wire.ts";
import { OTHER_PROCESS } from "./shared/examples.ts";

export default defineKind<ProcessForkRecord, ProcessForkEvent>({
  kind: "process_fork",
  doc: "A process made another one by fork, vfork or clone; threads are not told.",
  fields: {
    child: {
      type: object("ParentRef"),
      from: ["child.start", "child.self_exec_id", "child.tgid"],
      doc: "the new process: a copy of the one that made it until its own exec",
    },
  },
  own: {},
  rungs: [sees("tp_btf", ["process_fork_tp"], "observes every new process")],
  members: (record, context) => {
    const key = { tgid: record.childTgid, start: record.childStart, selfExecId: record.childSelfExecId };
    return `"child":${context.process(key, record.time)}`;
  },
  example: { child: OTHER_PROCESS },
  show: { emoji: "🍴", verb: "fork", detail: ({ child }) => String(child.pid) },
});
