import { constants } from "node:fs";
import { FILE_MARK } from "../generated/records.ts";
import { quote } from "./json.ts";

/** What records tell of a file alike; the names are those of their getters. */
export interface FileParts {
  path: string;
  fileInode: number;
  fileDeviceMajor: number;
  fileDeviceMinor: number;
  fileLinks: number;
  fileUid: number;
  fileGid: number;
  fileMode: number;
  fileFlags: number;
  fileMarks: number;
}

const CACHE_MAX = 512;

/** An `OpenedFile` as JSON. */
export function fileJson(record: FileParts): string {
  const marks = record.fileMarks;
  const mark = (bit: number) => (marks & bit) !== 0;
  const mode = record.fileMode;
  return (
    `{"path":${quote(record.path)},"flags":${flagText(record.fileFlags)},"mode":"${octal(mode & 0o7777)}"` +
    `,"type":"${TYPES[mode >> 12] ?? "other"}","inode":${record.fileInode}` +
    `,"device":"${record.fileDeviceMajor}:${record.fileDeviceMinor}","links":${record.fileLinks}` +
    `,"uid":${record.fileUid},"gid":${record.fileGid},"created":${mark(FILE_MARK.created)}` +
    `,"deleted":${mark(FILE_MARK.deleted)}` +
    `,"anonymous":${mark(FILE_MARK.anonymous)},"unreachable":${mark(FILE_MARK.unreachable)}` +
    `,"truncated":${mark(FILE_MARK.truncated)},"upper":${mark(FILE_MARK.upper)}}`
  );
}

/** What an `ActedFile` is made of: a path, and what a record tells of the file. */
export interface ActedParts {
  path: string;
  inode: number;
  deviceMajor: number;
  deviceMinor: number;
  links: number;
  uid: number;
  gid: number;
  mode: number;
  marks: number;
}

/** An `ActedFile` as JSON; what it is is null without an inode. */
export function actedFileJson(file: ActedParts): string {
  const mark = (bit: number) => (file.marks & bit) !== 0;
  const is =
    file.inode === 0
      ? `"type":null,"mode":null,"inode":null,"device":null,"links":null,"uid":null,"gid":null`
      : `"type":"${TYPES[file.mode >> 12] ?? "other"}","mode":"${octal(file.mode & 0o7777)}","inode":${file.inode}` +
        `,"device":"${file.deviceMajor}:${file.deviceMinor}","links":${file.links},"uid":${file.uid},"gid":${file.gid}`;
  return (
    `{"path":${quote(file.path)},"resolved":"${resolvedBy(file.marks)}",${is},"deleted":${mark(FILE_MARK.deleted)}` +
    `,"anonymous":${mark(FILE_MARK.anonymous)},"unreachable":${mark(FILE_MARK.unreachable)}` +
    `,"truncated":${mark(FILE_MARK.truncated)},"upper":${mark(FILE_MARK.upper)}}`
  );
}

/** The file of a record that has `struct file_identity file` and a path, as an `ActedFile`. */
export function actedFile(record: FileParts): string {
  return actedFileJson({
    ...{
      path: record.path,
      inode: record.fileInode,
      links: record.fileLinks,
      uid: record.fileUid,
      gid: record.fileGid,
    },
    ...{ deviceMajor: record.fileDeviceMajor, deviceMinor: record.fileDeviceMinor },
    ...{ mode: record.fileMode, marks: record.fileMarks },
  });
}

function resolvedBy(marks: number): string {
  if ((marks & FILE_MARK.unread) !== 0) return "unread";
  if ((marks & FILE_MARK.given) !== 0) return "given";
  return (marks & FILE_MARK.named) !== 0 ? "parent" : "kernel";
}

/** Permission bits as events have them: `0644`. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** By the upper four bits of a file's mode (S_IFMT). */
const TYPES: Readonly<Record<number, string>> = {
  1: "fifo",
  2: "char",
  4: "directory",
  6: "block",
  8: "regular",
  10: "link",
  12: "socket",
};

const ACCESS = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"];
/** What Node has no name for is the same on all architectures (asm-generic/fcntl.h, linux/fs.h). */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const FASYNC = 0o20000;
const O_TMPFILE_BIT = 0o20000000;
/** Opened by exec, to run it. */
const FMODE_EXEC = 0o40;
/** Longer ones first, since they contain others. O_LARGEFILE says nothing and is left out. */
const FLAGS: readonly (readonly [string, number])[] = [
  ["O_CREAT", constants.O_CREAT],
  ["O_EXCL", constants.O_EXCL],
  ["O_NOCTTY", constants.O_NOCTTY],
  ["O_TRUNC", constants.O_TRUNC],
  ["O_APPEND", constants.O_APPEND],
  ["O_NONBLOCK", constants.O_NONBLOCK],
  ["O_SYNC", constants.O_SYNC],
  ["O_DSYNC", constants.O_DSYNC],
  ["FASYNC", FASYNC],
  ["O_DIRECT", constants.O_DIRECT],
  ["O_TMPFILE", O_TMPFILE_BIT | constants.O_DIRECTORY],
  ["O_DIRECTORY", constants.O_DIRECTORY],
  ["O_NOFOLLOW", constants.O_NOFOLLOW],
  ["O_NOATIME", constants.O_NOATIME],
  ["O_CLOEXEC", O_CLOEXEC],
  ["O_PATH", O_PATH],
  ["FMODE_EXEC", FMODE_EXEC],
];

/** Of a file that nothing opens. */
const NO_FLAGS = 0xffff_ffff;

/** The names of open flags, access mode first. */
export function openFlagNames(flags: number): string[] {
  if (flags === NO_FLAGS) return [];
  const names = [ACCESS[flags & 3]!];
  let rest = flags & ~3;
  for (const [name, bits] of FLAGS) {
    if ((rest & bits) !== bits) continue;
    names.push(name);
    rest &= ~bits;
  }
  return names;
}

const flagTexts = new Map<number, string>();

function flagText(flags: number): string {
  const known = flagTexts.get(flags);
  if (known !== undefined) return known;
  const text = JSON.stringify(openFlagNames(flags));
  if (flagTexts.size >= CACHE_MAX) flagTexts.clear();
  flagTexts.set(flags, text);
  return text;
}
