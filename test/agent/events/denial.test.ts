import { expect, test } from "vitest";
import { denialMembers } from "../../../agent/events/denial-json.ts";
import type { ProcessJson } from "../../../agent/events/process-json.ts";
import { DENIAL_FLAG, DENIAL_HOOK, DENIAL_MODE, DenialRecord } from "../../../agent/generated/records.ts";
import type { ProcessEntry } from "../../../agent/process/entry.ts";

// How processes are told is tested with theirs; what follows from the record alone is tested here.
const json = { process: () => "", lineage: () => `"parent":null,"ancestors":[]` } as unknown as ProcessJson;

function denialOf(flags: number): Record<string, unknown> {
  const bytes = Buffer.alloc(DenialRecord.BYTES);
  bytes.writeUInt16LE(DenialRecord.KIND, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.writeUInt32LE(3, 48);
  bytes[60] = DENIAL_HOOK.process_exec;
  bytes[61] = DENIAL_MODE.enforce;
  bytes[63] = flags;
  const record = new DenialRecord().at(bytes, 0, bytes.length);
  const selector = { id: "s", priority: 0, because: { policy: "p" } };
  const entry = { parent: null } as unknown as ProcessEntry;
  return JSON.parse(`{${denialMembers(record, entry, selector, "tp_btf", json)}}`) as Record<string, unknown>;
}

test.each([
  [0, false],
  [DENIAL_FLAG.undecided, true],
  [DENIAL_FLAG.overflow, false],
  [DENIAL_FLAG.undecided | DENIAL_FLAG.overflow, true],
])("flags %i: undecided is %j", (flags, undecided) => {
  expect(denialOf(flags)).toMatchObject({ hook: "process_exec", mode: "enforce", count: 3, undecided });
});
