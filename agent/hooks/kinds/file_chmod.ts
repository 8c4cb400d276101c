import type { FileChmodEvent } from "../../../bus/generated/events.ts";
import { actedFile, octal } from "../../events/file-json.ts";
import type { FileChmodRecord } from "../../generated/records.ts";
import { flags, path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit, triple } from "../rungs.ts";
import { object, string } from "../wire.ts";
import { ACTED_FILE, BY_NAME, RESULT } from "./shared/acted-file.ts";

/** MODE_UNKNOWN of bpf/hooks/file_chmod.bpf.c. */
const UNKNOWN = 0xffff;

/** Those that selectors ask for: a mask of a hook has at most ten. */
const MODE_BITS = {
  ...{ S_ISUID: 0o4000, S_ISGID: 0o2000, S_ISVTX: 0o1000 },
  ...{ S_IXUSR: 0o100, S_IXGRP: 0o10, S_IXOTH: 0o1, S_IWGRP: 0o20, S_IWOTH: 0o2, S_IROTH: 0o4 },
};

export default defineKind<FileChmodRecord, FileChmodEvent>({
  kind: "file_chmod",
  doc: "A process changed a file's permission bits.",
  fields: {
    file: {
      type: object("ActedFile"),
      from: "path",
      doc: "the file; by a name that the caller gave it may be a symbolic link that leads to it. `mode` is as before on rungs that deny",
    },
    mode: { type: string, from: "mode", doc: "the new permission bits, in octal: `4755`" },
    mode_before: { type: string, nullable: true, from: "before", doc: "those before; null where they are not known" },
  },
  internal: { "file.": "as ActedFile" },
  result: RESULT,
  own: { "file.path": path(0), "mode.bits": flags(3, MODE_BITS) },
  rungs: [
    ...triple("file_chmod", { deny: "denies with EPERM before the change", see: "observes every change" }),
    sysExit("file_chmod", BY_NAME),
  ],
  members: (record) =>
    `"file":${actedFile(record)},"mode":"${octal(record.mode)}"` +
    `,"mode_before":${record.before === UNKNOWN ? "null" : `"${octal(record.before)}"`}`,
  example: { file: ACTED_FILE, mode: "0755", mode_before: "0644", result: 0 },
  show: { emoji: "🔏", verb: "chmod", detail: ({ file, mode }) => `${file.path} ${mode}` },
});
