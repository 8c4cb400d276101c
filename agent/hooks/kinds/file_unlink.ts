import type { FileUnlinkEvent } from "../../../bus/generated/events.ts";
import { actedFile } from "../../events/file-json.ts";
import type { FileUnlinkRecord } from "../../generated/records.ts";
import { path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { bothOf, sysExit, triple } from "../rungs.ts";
import { boolean, object } from "../wire.ts";
import { ACTED_FILE, BY_NAME, RESULT } from "./shared/acted-file.ts";

const WORTH = { deny: "denies with EPERM before the name is removed", see: "observes every removal" };

export default defineKind<FileUnlinkRecord, FileUnlinkEvent>({
  kind: "file_unlink",
  doc: "A process removed a file's name, or a directory.",
  fields: {
    file: { type: object("ActedFile"), from: "path", doc: "what was removed; `links` as before" },
    directory: { type: boolean, from: "directory" },
  },
  internal: { "file.": "as ActedFile" },
  result: RESULT,
  own: { "file.path": path(0) },
  rungs: [...bothOf(triple("file_unlink", WORTH), triple("file_rmdir", WORTH)), sysExit("file_unlink", BY_NAME)],
  members: (record) => `"file":${actedFile(record)},"directory":${record.directory}`,
  example: { file: ACTED_FILE, directory: false, result: 0 },
  show: { emoji: "🗑️", verb: "unlink", detail: ({ file }) => file.path },
});
