import type { FileWriteEvent } from "../../../bus/generated/events.ts";
import { actedFile } from "../../events/file-json.ts";
import type { FileWriteRecord } from "../../generated/records.ts";
import { device, ownNumber, path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { deniesAndTells, sysExit } from "../rungs.ts";
import { integer, object } from "../wire.ts";
import { ACTED_FILE } from "./shared/acted-file.ts";

export default defineKind<FileWriteRecord, FileWriteEvent>({
  kind: "file_write",
  doc:
    "A process wrote to a regular file by a system call. What it writes to one file within a second is one event: the first " +
    "write is told at once, those after it with the next one that is told.",
  fields: {
    file: { type: object("ActedFile"), from: "path", doc: "the file" },
    bytes: { type: integer, from: "written" },
  },
  internal: { "file.": "as ActedFile" },
  result: "0, or the error as a negative number",
  merges: "writes that this event stands for: of one process to one file",
  own: { "file.path": path(0), "file.inode": ownNumber(3, Number.MAX_SAFE_INTEGER), "file.device": device(4) },
  rungs: [
    ...deniesAndTells("file_write", ["file_write_sys_exit"], "denies with EPERM before anything is written", {
      file_write_want: 2,
    }),
    sysExit("file_write", "observes writes when the system call ends; not those by io_uring"),
  ],
  members: (record) => `"file":${actedFile(record)},"bytes":${record.written}`,
  example: { file: ACTED_FILE, bytes: 512, count: 1, result: 0 },
  show: {
    emoji: "📝",
    verb: "write",
    detail: ({ file, bytes, count }) => `${file.path} ${bytes} bytes${count > 1 ? ` in ${count} writes` : ""}`,
  },
});
