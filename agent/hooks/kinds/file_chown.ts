import type { FileChownEvent } from "../../../bus/generated/events.ts";
import { actedFile } from "../../events/file-json.ts";
import type { FileChownRecord } from "../../generated/records.ts";
import { ownNumber, path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit, triple } from "../rungs.ts";
import { integer, object } from "../wire.ts";
import { ACTED_FILE, BY_NAME, RESULT } from "./shared/acted-file.ts";

const STAYS = 0xffff_ffff;

function id(value: number): string {
  return value === STAYS ? "null" : String(value);
}

function known(before: boolean, value: number): string {
  return before ? String(value) : "null";
}

export default defineKind<FileChownRecord, FileChownEvent>({
  kind: "file_chown",
  doc: "A process gave a file another owner or group.",
  fields: {
    file: {
      type: object("ActedFile"),
      from: "path",
      doc: "the file; by a name that the caller gave it may be a symbolic link that leads to it",
    },
    uid: { type: integer, nullable: true, from: "uid", doc: "the new owner; null: it stays" },
    gid: { type: integer, nullable: true, from: "gid", doc: "the new group; null: it stays" },
    uid_before: { type: integer, nullable: true, from: "before", doc: "owner before; null where that is not known" },
    gid_before: { type: integer, nullable: true, doc: "group before; null where that is not known" },
  },
  internal: { "file.": "as ActedFile" },
  result: RESULT,
  own: { "file.path": path(0), uid: ownNumber(3, STAYS), gid: ownNumber(4, STAYS) },
  rungs: [
    ...triple("file_chown", { deny: "denies with EPERM before the change", see: "observes every change" }),
    sysExit("file_chown", BY_NAME),
  ],
  members: (record) =>
    `"file":${actedFile(record)},"uid":${id(record.uid)},"gid":${id(record.gid)}` +
    `,"uid_before":${known(record.before, record.fileUid)},"gid_before":${known(record.before, record.fileGid)}`,
  example: { file: ACTED_FILE, uid: 1000, gid: 1000, uid_before: 0, gid_before: 0, result: 0 },
  show: { emoji: "👤", verb: "chown", detail: ({ file, uid, gid }) => `${file.path} ${uid ?? "-"}:${gid ?? "-"}` },
});
