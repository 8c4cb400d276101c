import type { ChrootEvent } from "../../../bus/generated/events.ts";
import { fileJson } from "../../events/file-json.ts";
import type { ChrootRecord } from "../../generated/records.ts";
import { path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit, triple } from "../rungs.ts";
import { object } from "../wire.ts";
import { DIRECTORY } from "./shared/examples.ts";

export default defineKind<ChrootRecord, ChrootEvent>({
  kind: "chroot",
  doc: "A process changed its root directory.",
  fields: {
    file: {
      type: object("OpenedFile"),
      from: "path",
      doc: "the new root; its path is from the root of the mount namespace",
    },
  },
  internal: { "file.": "as file_open.file" },
  result: "0, or the error as a negative number; null where the end of the call is not seen",
  own: { "file.path": path(0) },
  rungs: [
    ...triple("chroot", {
      deny: "denies with EPERM before the root is changed",
      see: "observes every chroot that the process may do",
    }),
    sysExit("chroot", "observes those that succeeded"),
  ],
  members: (record) => `"file":${fileJson(record)}`,
  example: { file: { ...DIRECTORY, path: "/srv/jail" }, result: 0 },
  show: { emoji: "🧱", verb: "chroot", detail: (event) => event.file.path },
});
