import type { MemoryProtectEvent } from "../../../bus/generated/events.ts";
import { actedFile } from "../../events/file-json.ts";
import type { MemoryProtectRecord } from "../../generated/records.ts";
import { defineKind } from "../define-kind.ts";
import { deniesAndTells, sees } from "../rungs.ts";
import { boolean, integer, list, object, string } from "../wire.ts";
import { addressJson, MEMORY_FIELDS, protectionJson } from "./shared/memory.ts";

const KNOWN = ["memory_protect_sys_exit"];
/** Before 5.17. */
const BLIND = ["memory_protect_sys_exit_blind"];
const DENIES = "denies with EPERM before the memory becomes executable";
const SEES = "observes memory that became executable when the system call ends";
const ONLY_POSTS = { memory_protect_want: 2 };

/** enum memory_file of bpf/include/memory.h. */
const OF = { anonymous: 0, file: 1 };

export default defineKind<MemoryProtectRecord, MemoryProtectEvent>({
  kind: "memory_protect",
  doc: "A process made memory that it has executable (mprotect).",
  fields: {
    file: {
      type: object("ActedFile"),
      nullable: true,
      from: "path",
      doc: "the file that is mapped where the memory begins; null where it is none, or not known",
    },
    anonymous: {
      type: boolean,
      nullable: true,
      from: "of",
      doc: "whether the memory is of no file: code that the process has made itself; null where that is not known",
    },
    address: { type: string, from: "address", doc: "where it begins, `0x7f3a5c000000`" },
    length: { type: integer, from: "length" },
    protection: { type: list(string), from: "protection", doc: "PROT_READ, PROT_WRITE, PROT_EXEC" },
  },
  internal: { "file.": "as ActedFile" },
  result: "0, or the error as a negative number",
  own: MEMORY_FIELDS,
  rungs: [
    ...deniesAndTells("memory_protect", KNOWN, DENIES, ONLY_POSTS),
    ...deniesAndTells("memory_protect", BLIND, `${DENIES}; tells not of which file it is`, ONLY_POSTS),
    sees("sys_exit", KNOWN, SEES),
    sees("sys_exit", BLIND, `${SEES}, not of which file it is`),
  ],
  members: (record) => {
    const anonymous = record.of === OF.anonymous ? "true" : record.of === OF.file ? "false" : "null";
    return (
      `"file":${record.of === OF.file ? actedFile(record) : "null"},"anonymous":${anonymous}` +
      `,"address":${addressJson(record.address)},"length":${record.length}` +
      `,"protection":${protectionJson(record.protection)}`
    );
  },
  example: {
    ...{ file: null, anonymous: true, address: "0x7f3a5c000000", length: 4096 },
    ...{ protection: ["PROT_READ", "PROT_EXEC"], result: 0 },
  },
  show: {
    emoji: "🧠",
    verb: "mprotect",
    detail: ({ file, protection }) => `${file?.path ?? "anonymous memory"} ${protection.join("|")}`,
  },
});
