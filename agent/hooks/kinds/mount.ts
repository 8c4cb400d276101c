import type { MountEvent } from "../../../bus/generated/events.ts";
import { quote } from "../../events/json.ts";
import { MOUNT_CALL, MOUNT_CALL_NAMES, type MountRecord } from "../../generated/records.ts";
import { flags, named, path } from "../../selectors/hooks/define.ts";
import { defineKind, type KindRung } from "../define-kind.ts";
import { sysExit, triple } from "../rungs.ts";
import { list, oneOf, string } from "../wire.ts";
import { bitNames, withError } from "./shared/calls.ts";

/** linux/mount.h. */
const FLAGS = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_SYNCHRONOUS: 16,
  MS_REMOUNT: 32,
  MS_MANDLOCK: 64,
  MS_DIRSYNC: 128,
  MS_NOSYMFOLLOW: 256,
  MS_NOATIME: 1024,
  MS_NODIRATIME: 2048,
  MS_BIND: 4096,
  MS_MOVE: 8192,
  MS_REC: 16384,
  MS_SILENT: 32768,
  MS_POSIXACL: 1 << 16,
  MS_UNBINDABLE: 1 << 17,
  MS_PRIVATE: 1 << 18,
  MS_SLAVE: 1 << 19,
  MS_SHARED: 1 << 20,
  MS_RELATIME: 1 << 21,
  MS_KERNMOUNT: 1 << 22,
  MS_I_VERSION: 1 << 23,
  MS_STRICTATIME: 1 << 24,
  MS_LAZYTIME: 1 << 25,
};

const DENY = "denies with EPERM before anything is mounted";

/** Both calls are asked about at hooks of their own. */
function both(rung: KindRung): KindRung {
  return { ...rung, programs: rung.programs.flatMap((name) => [name, name.replace("mount", "mount_move")]) };
}

export default defineKind<MountRecord, MountEvent>({
  kind: "mount",
  doc: "A process mounted a file system or directory, or changed how one is mounted.",
  fields: {
    call: { type: oneOf(...Object.values(MOUNT_CALL_NAMES)), from: "call" },
    source: { type: string, from: "source" },
    mount_point: {
      type: string,
      from: "path",
      doc: "where it is mounted; by sys_exit as the call names it, made absolute",
    },
    fs_type: { type: string, from: "type" },
    flags: { type: list(string), from: "flags" },
    options: { type: string, from: "options" },
  },
  result: "0, or the error as a negative number; null where the end of the call is not seen",
  own: { mount_point: path(0), flags: flags(3, FLAGS), call: named(4, 2, MOUNT_CALL) },
  rungs: [
    ...triple("mount", { deny: DENY, see: "observes every mount that the process may do" }).map(both),
    sysExit("mount", "observes all calls and what became of them; paths as the calls name them"),
  ],
  members: (record) =>
    `"call":"${MOUNT_CALL_NAMES[record.call] ?? record.call}","source":${quote(record.source)}` +
    `,"mount_point":${quote(record.path)},"fs_type":${quote(record.type)}` +
    `,"flags":${JSON.stringify(bitNames(record.flags, FLAGS))},"options":${quote(record.options)}`,
  example: {
    ...{
      call: "mount",
      source: "tmpfs",
      mount_point: "/mnt",
      fs_type: "tmpfs",
      flags: ["MS_NOSUID"],
      options: "size=1m",
    },
    result: 0,
  },
  show: {
    ...{ emoji: "💾", verb: "mount" },
    detail: ({ source, mount_point, fs_type, result }) =>
      withError(`${source} ${mount_point}${fs_type === "" ? "" : ` (${fs_type})`}`, result),
  },
});
