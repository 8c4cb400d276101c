import type { FileTruncateEvent } from "../../../bus/generated/events.ts";
import { actedFile } from "../../events/file-json.ts";
import type { FileTruncateRecord } from "../../generated/records.ts";
import { path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { bothOf, sysExit, triple } from "../rungs.ts";
import { integer, object } from "../wire.ts";
import { ACTED_FILE, BY_NAME } from "./shared/acted-file.ts";

/** UNKNOWN_LENGTH of bpf/hooks/file_truncate.bpf.c, as a double. */
const UNKNOWN = 2 ** 64;
const WORTH = {
  deny: "denies with EPERM before the file is cut",
  see: "observes every change of length that is asked for",
};

function length(bytes: number): string {
  return bytes === UNKNOWN ? "null" : String(bytes);
}

export default defineKind<FileTruncateRecord, FileTruncateEvent>({
  kind: "file_truncate",
  doc: "A process cut a file or made it longer: truncate, ftruncate, or an open with O_TRUNC of a file that was there.",
  fields: {
    file: { type: object("ActedFile"), from: "path", doc: "the file" },
    length: { type: integer, nullable: true, from: "length", doc: "the new length; null where it is not known" },
    length_before: { type: integer, nullable: true, from: "before", doc: "length before; null where it is not known" },
  },
  internal: { "file.": "as ActedFile" },
  result:
    "0 (of an open the new descriptor), or the error as a negative number; null where the end of the call is not seen",
  own: { "file.path": path(0) },
  rungs: [
    ...bothOf(triple("file_truncate", WORTH), triple("file_truncate_open", WORTH)),
    ...triple("file_truncate", { deny: `${WORTH.deny}, by ftruncate too`, see: WORTH.see }),
    sysExit("file_truncate", BY_NAME),
  ],
  members: (record) =>
    `"file":${actedFile(record)},"length":${length(record.length)},"length_before":${length(record.before)}`,
  example: { file: ACTED_FILE, length: 0, length_before: 5120, result: 0 },
  show: { emoji: "✂️", verb: "truncate", detail: ({ file, length }) => `${file.path} ${length ?? "?"}` },
});
