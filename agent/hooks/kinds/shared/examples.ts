/** An ordinary `OpenedFile`. */
export const FILE = {
  ...{
    path: "/etc/hostname",
    flags: ["O_RDONLY"],
    mode: "0644",
    type: "regular",
    inode: 1311,
    device: "8:1",
    links: 1,
  },
  ...{
    uid: 0,
    gid: 0,
    created: false,
    deleted: false,
    anonymous: false,
    unreachable: false,
    truncated: false,
    upper: false,
  },
};

/** A directory that nothing opens. */
export const DIRECTORY = { ...FILE, path: "/srv", flags: [], mode: "0755", type: "directory", links: 2 };

/** Another process, as a `ParentRef`. */
export const OTHER_PROCESS = {
  ...{ exec_id: "dGVzdDoxOjQzMDA6MQ==", pid: 4300, uid: 1000, binary: "/usr/bin/sleep", arguments: "60", cwd: "/" },
  start_time: "2026-01-01T00:00:00.000000000Z",
};
