import type { FileLinkEvent } from "../../../bus/generated/events.ts";
import { actedFile, actedFileJson } from "../../events/file-json.ts";
import type { FileLinkRecord } from "../../generated/records.ts";
import { path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit, triple } from "../rungs.ts";
import { object } from "../wire.ts";
import { ACTED_FILE, BY_NAME, NEW_FILE, RESULT } from "./shared/acted-file.ts";

/** The new name stands for nothing yet. */
const NOTHING = { inode: 0, deviceMajor: 0, deviceMinor: 0, links: 0, uid: 0, gid: 0, mode: 0 };

export default defineKind<FileLinkRecord, FileLinkEvent>({
  kind: "file_link",
  doc: "A process gave a file a second name (a hard link).",
  fields: {
    file: { type: object("ActedFile"), from: "path", doc: "the file by the name that it had; `links` as before" },
    new_file: { type: object("ActedFile"), from: "to", doc: "the new name" },
  },
  internal: { "file.": "as ActedFile", "name.": "nothing stands there yet" },
  result: RESULT,
  own: { "file.path": path(0), "new_file.path": path(3) },
  rungs: [
    ...triple("file_link", { deny: "denies with EPERM before the name is there", see: "observes every hard link" }),
    sysExit("file_link", BY_NAME),
  ],
  members: (record) =>
    `"file":${actedFile(record)},"new_file":${actedFileJson({ ...NOTHING, path: record.to, marks: record.nameMarks })}`,
  example: { file: ACTED_FILE, new_file: NEW_FILE, result: 0 },
  show: { emoji: "🔗", verb: "link", detail: (event) => `${event.file.path} -> ${event.new_file.path}` },
});
