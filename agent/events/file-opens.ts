import type { EventGate } from "../containers/event-gate.ts";
import { FileOpenRecord } from "../generated/records.ts";
import type { ProcessTable } from "../process/table.ts";
import type { EventFilter } from "../demand/event-filter.ts";
import { fileJson } from "./file-json.ts";
import type { ProcessJson } from "./process-json.ts";

export interface FileOpensOptions {
  table: ProcessTable;
  json: ProcessJson;
  gate: EventGate;
  filter: EventFilter;
  /** How the hook is attached; it may change while the agent runs. */
  rung: () => string;
}

/** NO_RESULT of bpf/include/file.h. */
const NO_RESULT = 0xffff_ffff;

/** Makes events of the records of opened files. */
export class FileOpens {
  readonly counters = { opens: 0 };
  readonly #options: FileOpensOptions;
  readonly #record = new FileOpenRecord();

  constructor(options: FileOpensOptions) {
    this.#options = options;
  }

  /** @throws RecordError when it is no record of an opened file. */
  readonly handle = (data: Buffer, offset: number, length: number): void => {
    const { table, json, gate, filter, rung } = this.#options;
    const record = this.#record.at(data, offset, length);
    this.counters.opens++;
    const key = { tgid: record.processTgid, start: record.processStart, selfExecId: record.processSelfExecId };
    const entry = table.met(key, record.time);
    if (!filter.passes("file_open", entry, () => json.containerOf(entry))) return;
    const result = record.result === NO_RESULT ? "null" : record.result;
    gate.add(
      "file_open",
      record.time,
      `"rung":"${rung()}","process":{${json.process(entry)}},${json.lineage(entry.parent)}` +
        `,"file":${fileJson(record)},"result":${result}`,
      json.containerOf(entry),
    );
  };
}
