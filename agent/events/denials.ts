import { DENIAL_HOOK_NAMES, DenialRecord } from "../generated/records.ts";
import type { EventGate } from "../containers/event-gate.ts";
import type { ProcessTable } from "../process/table.ts";
import { denialMembers, type DenyingSelector } from "./denial-json.ts";
import type { ProcessJson } from "./process-json.ts";

export interface DenialsOptions {
  table: ProcessTable;
  json: ProcessJson;
  gate: EventGate;
  /** The selector at a place of an installed set; undefined when it is not known any more. */
  describe: (install: number, selector: number) => DenyingSelector | undefined;
  /** How a hook is attached. */
  rungOf: (hook: string) => string;
}

const UNKNOWN: DenyingSelector = { id: "", priority: 0, because: {} };

/** Makes events of the matcher's records. */
export class Denials {
  /** Denials, and those whose selector was gone before the record was read. */
  readonly counters = { denials: 0, unnamed: 0 };
  readonly #options: DenialsOptions;
  readonly #record = new DenialRecord();

  constructor(options: DenialsOptions) {
    this.#options = options;
  }

  /** @throws RecordError when it is no denial record. */
  readonly handle = (data: Buffer, offset: number, length: number): void => {
    const { table, json, gate, describe, rungOf } = this.#options;
    const record = this.#record.at(data, offset, length);
    const selector = describe(record.install, record.selector);
    this.counters.denials += record.count;
    if (selector === undefined) this.counters.unnamed++;
    const key = { tgid: record.processTgid, start: record.processStart, selfExecId: record.processSelfExecId };
    const entry = table.met(key, record.time);
    const rung = rungOf(DENIAL_HOOK_NAMES[record.hook] ?? "");
    const members = denialMembers(record, entry, selector ?? UNKNOWN, rung, json);
    gate.add("denial", record.time, members, json.containerOf(entry));
  };
}
