/** An ordinary `ActedFile`. */
export const ACTED_FILE = {
  ...{
    path: "/srv/data/report",
    resolved: "kernel",
    type: "regular",
    mode: "0644",
    inode: 1311,
    device: "8:1",
    links: 1,
  },
  ...{ uid: 0, gid: 0, deleted: false, anonymous: false, unreachable: false, truncated: false, upper: false },
};

/** One of which only the name is known. */
export const NEW_FILE = {
  ...{ path: "/srv/data/new", resolved: "kernel", type: null, mode: null, inode: null, device: null, links: null },
  ...{ uid: null, gid: null, deleted: false, anonymous: false, unreachable: false, truncated: false, upper: false },
};

/** What the documentation says of `result` where an act is told when its system call has ended. */
export const RESULT = "0, or the error as a negative number; null where the end of the call is not seen (io_uring)";

/** The same of a path that a system call was given, for rungs' worth. */
export const BY_NAME =
  "observes system calls that succeeded or were refused, by the names that they were given; not io_uring";
