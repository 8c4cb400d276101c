import type { FileMkdirEvent } from "../../../bus/generated/events.ts";
import { actedFile, octal } from "../../events/file-json.ts";
import type { FileMkdirRecord } from "../../generated/records.ts";
import { path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit, triple } from "../rungs.ts";
import { object, string } from "../wire.ts";
import { BY_NAME, NEW_FILE, RESULT } from "./shared/acted-file.ts";

export default defineKind<FileMkdirRecord, FileMkdirEvent>({
  kind: "file_mkdir",
  doc: "A process made a directory.",
  fields: {
    file: { type: object("ActedFile"), from: "path", doc: "the new directory, of which only the name is known yet" },
    mode: { type: string, from: "mode", doc: "its permission bits, in octal, the process's umask applied: `0755`" },
  },
  internal: { "file.": "as ActedFile" },
  result: RESULT,
  own: { "file.path": path(0) },
  rungs: [
    ...triple("file_mkdir", { deny: "denies with EPERM before it is made", see: "observes every new directory" }),
    sysExit("file_mkdir", BY_NAME),
  ],
  members: (record) => `"file":${actedFile(record)},"mode":"${octal(record.mode)}"`,
  example: { file: NEW_FILE, mode: "0755", result: 0 },
  show: { emoji: "📁", verb: "mkdir", detail: ({ file, mode }) => `${file.path} ${mode}` },
});
