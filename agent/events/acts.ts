import type { EventFilter } from "../demand/event-filter.ts";
import type { EventGate } from "../containers/event-gate.ts";
import { KINDS, READERS } from "../generated/kinds.ts";
import { RECORD_KINDS, type RecordKind } from "../generated/records.ts";
import type { ActRecord, Kind, KindContext, ProcessKey } from "../hooks/define-kind.ts";
import type { ProcessTable } from "../process/table.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { ProcessJson } from "./process-json.ts";

export interface ActsOptions {
  table: ProcessTable;
  json: ProcessJson;
  gate: EventGate;
  filter: EventFilter;
  /** How a hook is attached; it may change while the agent runs. */
  rungOf: (hook: string) => string;
}

/** NO_RESULT of bpf/include/act.h. */
const NO_RESULT = 0x7fff_ffff;

interface Reading {
  kind: Kind;
  reader: RecordReader & ActRecord;
}

/** Makes events of the records of all kinds in agent/hooks/kinds. */
export class Acts {
  /** Records by kind; those that were none yet are not there. */
  readonly counters: Record<string, number> = {};
  readonly #options: ActsOptions;
  readonly #readings = new Map<number, Reading>();
  readonly #context: KindContext;

  constructor(options: ActsOptions) {
    this.#options = options;
    for (const kind of KINDS) {
      const name = kind.kind as keyof typeof READERS;
      const number = RECORD_KINDS[name satisfies RecordKind];
      this.#readings.set(number, { kind, reader: new READERS[name]() });
    }
    this.#context = { process: (key, time) => this.#process(key, time) };
  }

  /** Handles a record; false when it is of no kind here. @throws RecordError when it is not what it has to be. */
  readonly handle = (number: number, data: Buffer, offset: number, length: number): boolean => {
    const reading = this.#readings.get(number);
    if (reading === undefined) return false;
    const { table, json, gate, filter, rungOf } = this.#options;
    const { kind, reader } = reading;
    const record = reader.at(data, offset, length);
    this.counters[kind.kind] = (this.counters[kind.kind] ?? 0) + 1;
    const key = { tgid: record.processTgid, start: record.processStart, selfExecId: record.processSelfExecId };
    const entry = table.met(key, record.time);
    if (!filter.passes(kind.kind, entry, () => json.containerOf(entry))) return true;
    const members = kind.members(record, this.#context);
    const result = record.result === NO_RESULT ? "null" : record.result;
    gate.add(
      kind.kind,
      record.time,
      `"rung":"${rungOf(kind.kind)}","process":{${json.process(entry)}},${json.lineage(entry.parent)}` +
        (members === "" ? "" : `,${members}`) +
        (kind.result === undefined ? "" : `,"result":${result}`) +
        (kind.merges === undefined ? "" : `,"count":${record.count}`),
      json.containerOf(entry),
    );
    return true;
  };

  #process(key: ProcessKey, time: bigint): string {
    const { table, json } = this.#options;
    return key.tgid === 0 ? "null" : json.reference(table.met(key, time));
  }
}
