import type { FileRenameEvent } from "../../../bus/generated/events.ts";
import { actedFile, actedFileJson } from "../../events/file-json.ts";
import type { FileRenameRecord } from "../../generated/records.ts";
import { path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit, triple } from "../rungs.ts";
import { list, object, string } from "../wire.ts";
import { ACTED_FILE, BY_NAME, NEW_FILE, RESULT } from "./shared/acted-file.ts";

/** include/uapi/linux/fs.h. */
const FLAGS = ["RENAME_NOREPLACE", "RENAME_EXCHANGE", "RENAME_WHITEOUT"];

export default defineKind<FileRenameRecord, FileRenameEvent>({
  kind: "file_rename",
  doc: "A process moved a file, or gave it another name.",
  fields: {
    file: { type: object("ActedFile"), from: "path", doc: "the file by its old name" },
    new_file: {
      type: object("ActedFile"),
      from: "to",
      doc: "its new name; what it is tells what had that name before",
    },
    flags: { type: list(string), from: "flags", doc: `of renameat2: ${FLAGS.join(", ")}` },
  },
  internal: { "file.": "as ActedFile", "replaced.": "as ActedFile" },
  result: RESULT,
  own: { "file.path": path(0), "new_file.path": path(3) },
  rungs: [
    ...triple("file_rename", { deny: "denies with EPERM before anything is moved", see: "observes every rename" }),
    sysExit("file_rename", BY_NAME),
  ],
  members: (record) => {
    const to = actedFileJson({
      ...{ path: record.to, inode: record.replacedInode, links: record.replacedLinks },
      ...{ uid: record.replacedUid, gid: record.replacedGid, mode: record.replacedMode, marks: record.replacedMarks },
      ...{ deviceMajor: record.replacedDeviceMajor, deviceMinor: record.replacedDeviceMinor },
    });
    const flags = FLAGS.filter((_, bit) => ((record.flags >> bit) & 1) === 1);
    return `"file":${actedFile(record)},"new_file":${to},"flags":${JSON.stringify(flags)}`;
  },
  example: { file: ACTED_FILE, new_file: NEW_FILE, flags: [], result: 0 },
  show: { emoji: "🚚", verb: "rename", detail: (event) => `${event.file.path} -> ${event.new_file.path}` },
});
