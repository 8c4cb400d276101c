import type { FileOpenEvent } from "../../../bus/generated/events.ts";
import { fileJson } from "../../events/file-json.ts";
import type { FileOpenRecord } from "../../generated/records.ts";
import { device, flags, ownNumber, path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { sysExit, triple } from "../rungs.ts";
import { object } from "../wire.ts";
import { FILE } from "./shared/examples.ts";

/** include/uapi/asm-generic/fcntl.h, as the kernel has them on x86-64 and arm64 alike but for those that are left out. */
const FLAGS = {
  O_WRONLY: 0o1,
  O_RDWR: 0o2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_SYNC: 0o4010000,
  /** FLAG_CREATED of bpf/hooks/file_open.bpf.c: the open makes the file. */
  CREATED: 0x4000_0000,
};

export default defineKind<FileOpenRecord, FileOpenEvent>({
  kind: "file_open",
  doc: "A process opened a file.",
  fields: { file: { type: object("OpenedFile"), from: "path", doc: "the opened file" } },
  result:
    "the new file descriptor, or the error as a negative number; null where the end of the call is not seen (io_uring)",
  merges:
    "opens of the file by the process that this event stands for, where the selector merges them (`rate_per: file`)",
  own: {
    "file.path": path(0),
    "file.inode": ownNumber(3, Number.MAX_SAFE_INTEGER),
    "file.device": device(4),
    "file.flags": flags(5, FLAGS),
  },
  rungs: [
    ...triple("file_open", {
      deny: "denies with EPERM before anything is read, written or truncated",
      see: "observes every open",
    }),
    sysExit("file_open", "observes opens by system calls that succeeded, not those by io_uring"),
  ],
  members: (record) => `"file":${fileJson(record)}`,
  example: { file: FILE, result: 3, count: 1 },
  show: {
    emoji: "📬",
    verb: "open",
    detail: ({ file }) => [file.path, file.flags.join("|")].filter((part) => part !== "").join(" "),
  },
});
