import type { FileMmapEvent } from "../../../bus/generated/events.ts";
import { actedFile } from "../../events/file-json.ts";
import type { FileMmapRecord } from "../../generated/records.ts";
import { defineKind } from "../define-kind.ts";
import { deniesAndTells, sysExit } from "../rungs.ts";
import { boolean, integer, list, object, string } from "../wire.ts";
import { ACTED_FILE } from "./shared/acted-file.ts";
import { addressJson, MEMORY_FIELDS, protectionJson } from "./shared/memory.ts";

const MAP_ANONYMOUS = 0x20;
/** The lowest two bits are one number: include/uapi/linux/mman.h, asm-generic/mman.h (the same on x86-64 and arm64). */
const TYPES = ["", "MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE"];
const FLAGS = {
  ...{ MAP_FIXED: 0x10, MAP_ANONYMOUS, MAP_32BIT: 0x40, MAP_GROWSDOWN: 0x100, MAP_DENYWRITE: 0x800 },
  ...{ MAP_EXECUTABLE: 0x1000, MAP_LOCKED: 0x2000, MAP_NORESERVE: 0x4000, MAP_POPULATE: 0x8000 },
  ...{ MAP_NONBLOCK: 0x10000, MAP_STACK: 0x20000, MAP_HUGETLB: 0x40000, MAP_SYNC: 0x80000 },
  ...{ MAP_FIXED_NOREPLACE: 0x100000 },
};

function flagsJson(flags: number): string {
  const names = Object.entries(FLAGS).flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name]));
  return JSON.stringify([TYPES[flags & 3]!, ...names].filter((name) => name !== ""));
}

export default defineKind<FileMmapRecord, FileMmapEvent>({
  kind: "file_mmap",
  doc: "A process mapped memory to be executed: a library that it loads, or memory of no file. What exec maps is not told.",
  fields: {
    file: {
      type: object("ActedFile"),
      nullable: true,
      from: "path",
      doc: "the mapped file; null where the memory is of none",
    },
    anonymous: { type: boolean, doc: "whether the memory is of no file: code that the process makes itself" },
    address: {
      type: string,
      from: "address",
      doc: "where it was mapped, `0x7f3a5c000000`; `0x0` where it was refused",
    },
    length: { type: integer, from: "length" },
    offset: { type: integer, from: "offset" },
    protection: { type: list(string), from: "protection", doc: "PROT_READ, PROT_WRITE, PROT_EXEC" },
    flags: { type: list(string), from: "flags", doc: "flags of mmap: MAP_PRIVATE, MAP_ANONYMOUS ..." },
  },
  internal: { "file.": "as ActedFile" },
  result: "0, or the error as a negative number",
  own: MEMORY_FIELDS,
  rungs: [
    ...deniesAndTells("file_mmap", ["file_mmap_sys_exit"], "denies with EPERM before the memory is mapped", {
      file_mmap_want: 2,
    }),
    sysExit("file_mmap", "observes executable mappings when the system call ends"),
  ],
  members: (record) => {
    const anonymous = (record.flags & MAP_ANONYMOUS) !== 0;
    return (
      `"file":${anonymous ? "null" : actedFile(record)},"anonymous":${anonymous}` +
      `,"address":${addressJson(record.address)},"length":${record.length},"offset":${record.offset}` +
      `,"protection":${protectionJson(record.protection)},"flags":${flagsJson(record.flags)}`
    );
  },
  example: {
    ...{ file: { ...ACTED_FILE, path: "/usr/lib/x86_64-linux-gnu/libc.so.6", mode: "0755" }, anonymous: false },
    ...{ address: "0x7f3a5c000000", length: 1_404_928, offset: 155_648, protection: ["PROT_READ", "PROT_EXEC"] },
    ...{ flags: ["MAP_PRIVATE", "MAP_FIXED", "MAP_DENYWRITE"], result: 0 },
  },
  show: {
    emoji: "📚",
    verb: "mmap",
    detail: ({ file, protection }) => `${file?.path ?? "anonymous memory"} ${protection.join("|")}`,
  },
});
