import {
  CgroupRecord,
  PROCESS_FLAG,
  ProcessExecRecord,
  ProcessExitRecord,
  ProcessCloneRecord,
  RECORD_KINDS,
} from "../generated/records.ts";
import type { Redact } from "../process/arguments.ts";
import type { Image } from "../process/entry.ts";
import type { EventFilter } from "../demand/event-filter.ts";
import type { EventGate } from "../containers/event-gate.ts";
import { imageOf } from "../process/image.ts";
import type { Key, ProcessTable } from "../process/table.ts";
import { recordKind } from "../records/record-reader.ts";
import { execMembers } from "./exec-json.ts";
import { quoteOrNull } from "./json.ts";
import { signalName } from "./names.ts";
import type { ProcessJson } from "./process-json.ts";

export interface RecordHandlerOptions {
  table: ProcessTable;
  json: ProcessJson;
  gate: EventGate;
  filter: EventFilter;
  redact: Redact;
  /** How the process hooks are attached. */
  rung: string;
  /** Gets the records of kind denial. */
  onDenial: (data: Buffer, offset: number, length: number) => void;
  /** A cgroup was made or removed. */
  onCgroup: (record: CgroupRecord) => void;
  /** Gets all other records; false for one that it does not know. */
  onAct: (kind: number, data: Buffer, offset: number, length: number) => boolean;
}

/** What a kernel thread is: no image of its own, but the mark. */
const KERNEL_THREAD: Image = {
  binary: "",
  arguments: "",
  cwd: "",
  uid: 0,
  auid: 4294967295,
  tid: 0,
  marks: "kernel_thread",
};

/** Takes the kernel's records one after the other: keeps the process table and makes events of them. */
export class RecordHandler {
  /** Records by kind, and those that were not what they have to be. */
  readonly counters = { exec: 0, fork: 0, exit: 0, denial: 0, cgroup: 0, act: 0, malformed: 0 };
  readonly #options: RecordHandlerOptions;
  readonly #exec = new ProcessExecRecord();
  readonly #fork = new ProcessCloneRecord();
  readonly #exit = new ProcessExitRecord();
  readonly #cgroup = new CgroupRecord();

  constructor(options: RecordHandlerOptions) {
    this.#options = options;
  }

  /** How many records of a kind of events have come. */
  told(kind: string): number {
    const { exec, exit } = this.counters;
    return { process_exec: exec, process_exit: exit }[kind] ?? 0;
  }

  /** Handles the record at `offset`. Never throws on bad data: it is counted. */
  readonly handle = (data: Buffer, offset: number, length: number): void => {
    try {
      const kind = recordKind(data, offset, length);
      switch (kind) {
        case RECORD_KINDS.process_exec:
          this.#onExec(this.#exec.at(data, offset, length));
          return;
        case RECORD_KINDS.process_clone:
          this.#onFork(this.#fork.at(data, offset, length));
          return;
        case RECORD_KINDS.process_exit:
          this.#onExit(this.#exit.at(data, offset, length));
          return;
        case RECORD_KINDS.denial:
          this.counters.denial++;
          this.#options.onDenial(data, offset, length);
          return;
        case RECORD_KINDS.cgroup:
          this.counters.cgroup++;
          this.#options.onCgroup(this.#cgroup.at(data, offset, length));
          return;
        default:
          if (this.#options.onAct(kind, data, offset, length)) this.counters.act++;
          else this.counters.malformed++;
      }
    } catch (error) {
      if ((error as { name?: string } | null)?.name !== "RecordError") throw error;
      this.counters.malformed++;
    }
  };

  #onExec(record: ProcessExecRecord): void {
    const { table, json, gate, filter, redact, rung } = this.#options;
    this.counters.exec++;
    const key = keyOf(record);
    const time = record.time;
    const before = table.find(key.tgid, key.start);
    const replaced = before?.image?.binary ?? "";
    const entry = table.exec(key, parentOf(record), imageOf(record, redact), time);
    entry.cgroupId = record.cgroupId;
    entry.cgroupV1Id = record.cgroupV1Id;
    if (!filter.passes("process_exec", entry, () => json.containerOf(entry), record)) return;
    gate.add(
      "process_exec",
      time,
      `"rung":"${rung}","process":{${json.process(entry)},${execMembers(record, replaced)}},${json.lineage(entry.parent)}`,
      json.containerOf(entry),
    );
  }

  #onFork(record: ProcessCloneRecord): void {
    const { table } = this.#options;
    this.counters.fork++;
    const source = { tgid: record.sourceTgid, start: record.sourceStart, selfExecId: record.sourceSelfExecId };
    const entry = table.fork(keyOf(record), parentOf(record), source, record.time);
    if (entry.cgroupId === 0) {
      entry.cgroupId = record.cgroupId;
      entry.cgroupV1Id = record.cgroupV1Id;
    }
    if ((record.flags & PROCESS_FLAG.kernel_thread) !== 0) entry.image = KERNEL_THREAD;
  }

  #onExit(record: ProcessExitRecord): void {
    const { table, json, gate, filter, rung } = this.#options;
    this.counters.exit++;
    const time = record.time;
    const entry = table.exit(keyOf(record), time);
    if (entry.image === KERNEL_THREAD) return;
    if (!filter.passes("process_exit", entry, () => json.containerOf(entry), null, record)) return;
    const signal = record.signal;
    gate.add(
      "process_exit",
      time,
      `"rung":"${rung}","process":{${json.process(entry)}},${json.lineage(entry.parent)},"status":${record.status}` +
        `,"signal":${quoteOrNull(signal === 0 ? null : signalName(signal))},"core_dumped":${record.coreDumped}` +
        `,"duration_ns":${time - entry.start}`,
      json.containerOf(entry),
    );
  }
}

function keyOf(record: { keyTgid: number; keyStart: bigint; keySelfExecId: number }): Key {
  return { tgid: record.keyTgid, start: record.keyStart, selfExecId: record.keySelfExecId };
}

function parentOf(record: { parentTgid: number; parentStart: bigint; parentSelfExecId: number }): Key {
  return { tgid: record.parentTgid, start: record.parentStart, selfExecId: record.parentSelfExecId };
}
