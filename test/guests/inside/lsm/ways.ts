import { copyFileSync, symlinkSync } from "node:fs";
import { OPENS, OPENS_STATIC } from "./programs.ts";

/** Where a way finds the file, and what it may use. */
export interface Place {
  /** The file that is denied, `<directory>/secret`. */
  secret: string;
  /** A directory beside it where a way may make things. */
  directory: string;
}

/** A way to get at a file that a selector denies, and which selectors hold against it. */
export interface Way {
  name: string;
  /** What it does, for the docs. */
  what: string;
  /** The shell script, whose last line of truth says whether it got in. */
  script: (place: Place) => string;
  /** What is done outside the scope before, as root could. */
  before?: (place: Place) => void;
  /** Whether a deny holds by the file's path (exact), by a prefix that is its directory, by its inode and device. */
  holds: { path: boolean; prefix: boolean; inode: boolean };
  /** Why, where one does not. */
  why?: string;
}

const ALL = { path: true, prefix: true, inode: true };
const BY_INODE = { path: false, prefix: false, inode: true };

/** Each is tried in a guest against a deny, with its result: test/guests/inside/lsm/ways.test.ts. The docs' table is of it. */
export const WAYS: readonly Way[] = [
  {
    name: "open, openat, creat",
    what: "the plain system calls, for reading, writing and truncating",
    script: ({ secret }) => `${OPENS} open ${secret} openat ${secret} write ${secret} append ${secret} creat ${secret}`,
    holds: ALL,
  },
  {
    name: "openat2",
    what: "`openat2(2)`, here with O_CREAT and O_EXCL on a name that is not there yet",
    script: ({ secret }) => `rm -f ${secret}; ${OPENS} openat2 ${secret}`,
    holds: { path: true, prefix: true, inode: false },
    why: "the file is a new one, with another inode",
  },
  {
    name: "openat2, RESOLVE_IN_ROOT",
    what: "for reading, resolved as if another directory were the root",
    script: ({ secret }) => `${OPENS} resolve ${secret}`,
    holds: ALL,
  },
  {
    name: "32-bit system call",
    what: "`int $0x80` from a 64-bit program",
    script: ({ secret }) => `${OPENS} ia32 ${secret}`,
    holds: ALL,
  },
  {
    name: "io_uring",
    what: "IORING_OP_OPENAT, handled at once",
    script: ({ secret }) => `${OPENS} ring ${secret}`,
    holds: ALL,
  },
  {
    name: "io_uring worker",
    what: "IORING_OP_OPENAT with IOSQE_ASYNC: a worker thread of the kernel opens",
    script: ({ secret }) => `${OPENS} worker ${secret}`,
    holds: ALL,
  },
  {
    name: "symbolic link",
    what: "a link elsewhere that points to it",
    script: ({ directory }) => `${OPENS} open ${directory}/symbolic`,
    before: ({ secret, directory }) => symlinkSync(secret, `${directory}/symbolic`),
    holds: ALL,
  },
  {
    name: "O_PATH, then /proc/self/fd",
    what: "a descriptor that may do nothing, which no hook is asked about, opened again for reading",
    script: ({ secret }) => `${OPENS} descriptor ${secret}`,
    holds: ALL,
  },
  {
    name: "relative to a directory",
    what: "from the directory as working directory, by `./` and `..`",
    script: ({ secret }) => `cd $(dirname ${secret}); ${OPENS} open ../$(basename $PWD)/./$(basename ${secret})`,
    holds: ALL,
  },
  {
    name: "file handle",
    what: "`name_to_handle_at(2)` and `open_by_handle_at(2)`, which need CAP_DAC_READ_SEARCH",
    script: ({ secret }) => `${OPENS} handle ${secret}`,
    holds: ALL,
  },
  {
    name: "a descriptor from outside",
    what: "opened outside the scope, then moved into its cgroup, opened again through /proc/self/fd",
    script: ({ secret }) => `exec 5<${secret}; ENTER; ${OPENS} open /proc/self/fd/5`,
    holds: ALL,
  },
  {
    name: "a descriptor that is open",
    what: "opened outside the scope or before the selector came, then read",
    script: ({ secret }) => `exec 5<${secret}; ENTER; ${OPENS} inherited 5`,
    holds: { path: false, prefix: false, inode: false },
    why: "reading is not opening: what is open stays open",
  },
  {
    name: "chroot",
    what: "from a root of its own, by the path there",
    script: ({ secret, directory }) =>
      `mkdir ${directory}/jail; cp ${OPENS_STATIC} ${directory}/jail/opens; ln ${secret} ${directory}/jail/file; ` +
      `chroot ${directory}/jail /opens open /file`,
    holds: BY_INODE,
    why: "paths are those that the process itself sees, from its own root",
  },
  {
    name: "hard link",
    what: "another name of the same file, elsewhere",
    script: ({ secret, directory }) => `ln ${secret} ${directory}/link; ${OPENS} open ${directory}/link`,
    holds: BY_INODE,
    why: "the path is the name that it was opened by",
  },
  {
    name: "rename",
    what: "the file moved to another name first",
    script: ({ secret, directory }) => `mv ${secret} ${directory}/moved; ${OPENS} open ${directory}/moved`,
    holds: BY_INODE,
    why: "the path is the name that it has now",
  },
  {
    name: "rename of the directory",
    what: "a directory above it moved to another name first",
    script: ({ secret, directory }) =>
      `mv $(dirname ${secret}) ${directory}/moved; ${OPENS} open ${directory}/moved/secret`,
    holds: BY_INODE,
    why: "the path is the name that it has now",
  },
  {
    name: "bind mount",
    what: "its directory mounted elsewhere too (in a mount namespace of its own)",
    script: ({ secret, directory }) =>
      `mkdir ${directory}/bound; unshare -m sh -c 'mount --bind $(dirname ${secret}) ${directory}/bound; ${OPENS} open ${directory}/bound/secret'`,
    holds: BY_INODE,
    why: "the path goes through the mount that it was opened by",
  },
  {
    name: "a mount that is gone",
    what: "mounted elsewhere, a descriptor of the mount kept, unmounted: no path from the process's root leads there",
    script: ({ secret, directory }) =>
      `mkdir ${directory}/gone; unshare -m sh -c 'mount --bind $(dirname ${secret}) ${directory}/gone; cd ${directory}/gone; ` +
      `umount -l ${directory}/gone; ${OPENS} open secret'`,
    holds: ALL,
    why: "a path that cannot be told is undecided, and a deny that asks for one then holds against any file",
  },
  {
    name: "a mount that is nowhere",
    what: "`open_tree(2)` with OPEN_TREE_CLONE of its directory, and opened in there",
    script: ({ secret }) => `${OPENS} tree ${secret}`,
    holds: ALL,
    why: "as above: no path leads there",
  },
  {
    name: "another mount namespace",
    what: "through /proc/PID/root of a process in another mount namespace",
    script: ({ secret }) => `unshare -m sleep 60 & sleep 0.5; ${OPENS} open /proc/$!/root${secret}; kill $!`,
    holds: ALL,
    why: "as above: the process's root does not lead there",
  },
  {
    name: "overlay",
    what: "an overlay mounted with its directory as lower layer",
    script: ({ secret, directory }) =>
      `mkdir ${directory}/up ${directory}/work ${directory}/over; unshare -m sh -c 'mount -t overlay overlay -o ` +
      `lowerdir=$(dirname ${secret}),upperdir=${directory}/up,workdir=${directory}/work ${directory}/over; ${OPENS} open ${directory}/over/secret'`,
    holds: { path: false, prefix: false, inode: false },
    why: "an overlay has inodes, and a device, of its own",
  },
  {
    name: "copy made before",
    what: "a copy that was made outside the scope",
    script: ({ directory }) => `${OPENS} open ${directory}/copy`,
    before: ({ secret, directory }) => {
      copyFileSync(secret, `${directory}/copy`);
    },
    holds: { path: false, prefix: false, inode: false },
    why: "it is another file",
  },
];
