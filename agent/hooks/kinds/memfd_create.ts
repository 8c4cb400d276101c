import type { MemfdCreateEvent } from "../../../bus/generated/events.ts";
import { fileJson } from "../../events/file-json.ts";
import { quote } from "../../events/json.ts";
import type { MemfdCreateRecord } from "../../generated/records.ts";
import { flags, path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit } from "../rungs.ts";
import { list, object, string } from "../wire.ts";
import { bitNames, RESULT_FD, withError } from "./shared/calls.ts";
import { FILE } from "./shared/examples.ts";

/** linux/memfd.h. */
const FLAGS = { MFD_CLOEXEC: 1, MFD_ALLOW_SEALING: 2, MFD_HUGETLB: 4, MFD_NOEXEC_SEAL: 8, MFD_EXEC: 16 };

export default defineKind<MemfdCreateRecord, MemfdCreateEvent>({
  kind: "memfd_create",
  doc: "A process made a file that lies in memory only.",
  fields: {
    name: { type: string, from: "name" },
    flags: { type: list(string), from: "flags", doc: "flags by name, the page size of huge pages as a number" },
    file: { type: object("OpenedFile"), nullable: true, from: "path", doc: "the new file; null when none was made" },
  },
  internal: { "file.": "as file_open.file" },
  result: RESULT_FD,
  own: { "file.path": path(0), flags: flags(3, FLAGS) },
  rungs: [sysExit("memfd_create", "observes all calls and what became of them")],
  members: (record) =>
    `"name":${quote(record.name)},"flags":${JSON.stringify(bitNames(record.flags, FLAGS))}` +
    `,"file":${record.pathLen === 0 ? "null" : fileJson(record)}`,
  example: {
    ...{ name: "payload", flags: ["MFD_CLOEXEC"], result: 3 },
    file: {
      ...FILE,
      path: "/memfd:payload",
      flags: ["O_RDWR"],
      mode: "0777",
      links: 0,
      deleted: true,
      anonymous: true,
    },
  },
  show: { emoji: "👻", verb: "memfd", detail: ({ name, result }) => withError(name, result) },
});
