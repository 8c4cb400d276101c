import type { ProcessSignalEvent } from "../../../bus/generated/events.ts";
import { signalName } from "../../events/names.ts";
import { type ProcessSignalRecord, SIGNAL_OUTCOME_NAMES } from "../../generated/records.ts";
import { named, ownNumber } from "../../selectors/hooks/define.ts";
import { defineKind, type KindRung } from "../define-kind.ts";
import { integer, object, oneOf, string } from "../wire.ts";
import { decidedCalls, RESULT, withError } from "./shared/calls.ts";
import { OTHER_PROCESS } from "./shared/examples.ts";

const SIGNALS = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [signalName(at + 1), at + 1]));

const RUNGS: KindRung[] = decidedCalls({
  deciders: ["signal"],
  tellers: ["signal_generate", "signal_sys_exit"],
  deny: "denies with EPERM before the signal is sent; observes each target, and calls that failed",
  see: "observes each target, and calls that failed",
});

export default defineKind<ProcessSignalRecord, ProcessSignalEvent>({
  kind: "process_signal",
  doc: "A process sent a signal, to itself or another. One event for each process or thread that gets it.",
  fields: {
    signal: { type: string, from: "signal", doc: "name of the signal: SIGKILL, SIGRTMIN+1" },
    target: {
      ...{ type: object("ParentRef"), nullable: true, from: ["target.start", "target.self_exec_id", "target.tgid"] },
      doc: "who gets it; null when there is none, or a group refused it",
    },
    target_tid: {
      ...{ type: integer, nullable: true, from: "target_tid" },
      doc: "the thread that it is for; null when it is for the process",
    },
    target_pid: { type: integer, from: "target_pid" },
    outcome: {
      type: oneOf(...Object.values(SIGNAL_OUTCOME_NAMES)),
      from: "outcome",
    },
  },
  result: RESULT,
  own: { signal: named(0, 64, SIGNALS), "target.pid": ownNumber(1, 0xffff_ffff) },
  rungs: [
    ...RUNGS,
    {
      ...{ name: "sys_exit", programs: ["signal_sys_exit"], settings: { signal_at_end: 1 } },
      actions: ["kill", "signal", "post", "noPost"],
      worth: "observes calls, of a group's signal not whom it reaches; whether it was ignored is not known",
    },
  ],
  members: (record, context) => {
    const { targetTgid, targetStart, targetSelfExecId, targetTid } = record;
    const target = { tgid: targetTgid, start: targetStart, selfExecId: targetSelfExecId };
    return (
      `"signal":"${signalName(record.signal)}","target":${context.process(target, record.time)}` +
      `,"target_tid":${targetTid === 0 ? "null" : targetTid},"target_pid":${record.targetPid}` +
      `,"outcome":"${SIGNAL_OUTCOME_NAMES[record.outcome] ?? record.outcome}"`
    );
  },
  example: {
    ...{
      signal: "SIGTERM",
      target: OTHER_PROCESS,
      target_tid: null,
      target_pid: 4300,
      outcome: "delivered",
      result: 0,
    },
  },
  show: {
    ...{ emoji: "📶", verb: "signal" },
    detail: ({ signal, target, target_pid, result }) =>
      withError(`${signal} ${target?.pid ?? target_pid} ${target?.binary ?? ""}`.trimEnd(), result),
  },
});
