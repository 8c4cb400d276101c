import type { FileSymlinkEvent } from "../../../bus/generated/events.ts";
import { actedFile } from "../../events/file-json.ts";
import { quote } from "../../events/json.ts";
import type { FileSymlinkRecord } from "../../generated/records.ts";
import { path, words } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit, triple } from "../rungs.ts";
import { object, string } from "../wire.ts";
import { BY_NAME, NEW_FILE, RESULT } from "./shared/acted-file.ts";

export default defineKind<FileSymlinkRecord, FileSymlinkEvent>({
  kind: "file_symlink",
  doc: "A process made a symbolic link.",
  fields: {
    file: { type: object("ActedFile"), from: "path", doc: "the new link, of which only the name is known yet" },
    link_target: {
      type: string,
      from: "target",
      doc: "where it leads, as the caller wrote it: may be relative, or lead nowhere",
    },
  },
  internal: { "file.": "as ActedFile" },
  result: RESULT,
  own: { "file.path": path(0), link_target: words(3) },
  rungs: [
    ...triple("file_symlink", {
      deny: "denies with EPERM before the link is there",
      see: "observes every symbolic link",
    }),
    sysExit("file_symlink", BY_NAME),
  ],
  members: (record) => `"file":${actedFile(record)},"link_target":${quote(record.target)}`,
  example: { file: NEW_FILE, link_target: "/srv/data/report", result: 0 },
  show: { emoji: "🪢", verb: "symlink", detail: ({ file, link_target }) => `${file.path} -> ${link_target}` },
});
