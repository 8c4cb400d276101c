import {
  boolean,
  integer,
  list,
  object,
  oneOf,
  string,
  time,
  type Wire,
  type WireField,
} from "../../agent/hooks/wire.ts";

const kind = (value: string): WireField => ({ type: { is: "constant", value }, doc: `\`${value}\`` });

const IMAGE = "process_exec.image";
const CREDENTIALS = `${IMAGE}.credentials`;

export const RUNG: WireField = {
  type: string,
  doc: "how the hook is attached on this kernel: tp_btf, cgroup, lsm ...",
};
export const PARENT: WireField = {
  type: object("ParentRef"),
  nullable: true,
  doc: "the real parent; null when it is unknown",
};
export const ANCESTORS: WireField = {
  type: list(object("AncestorRef")),
  doc: "the parent's parent and on up to the first process, as far as known",
};

/** What crosses the bus as an event, hooks apart: agent/hooks/kinds. Kernel fields are described by the tags in bpf/include. */
export const WIRE: Wire = {
  objects: {
    Envelope: {
      doc: "What every event has.",
      fields: {
        id: {
          type: string,
          doc: "`<node>/<boot>/<agent epoch>/<kind>/<seq>`; seq counts per kind, so a reader sees gaps",
        },
        node: { type: string, doc: "node that it happened on" },
        time: { type: time, doc: "when it happened: RFC 3339, UTC, nanoseconds" },
      },
    },
    ProcessExecEvent: {
      doc: "A process runs a new image.",
      extends: "Envelope",
      fields: {
        kind: kind("process_exec"),
        rung: RUNG,
        process: { type: object("ExecProcess"), doc: "the new image" },
        parent: PARENT,
        ancestors: ANCESTORS,
      },
    },
    ProcessExitEvent: {
      doc: "The last thread of a process went.",
      extends: "Envelope",
      fields: {
        kind: kind("process_exit"),
        rung: RUNG,
        process: { type: object("Process"), from: "process_exit.key", doc: "the process that ended" },
        parent: PARENT,
        ancestors: ANCESTORS,
        status: { type: integer, from: "process_exit.status" },
        signal: {
          type: string,
          nullable: true,
          from: "process_exit.signal",
          doc: "name of the signal that ended it (SIGKILL), else null",
        },
        core_dumped: { type: boolean, from: "process_exit.core_dumped" },
        duration_ns: { type: integer, doc: "how long the process lived, in ns" },
      },
    },
    DenialEvent: {
      doc: "A selector denied or killed, or would have in monitor mode.",
      extends: "Envelope",
      fields: {
        kind: kind("denial"),
        rung: RUNG,
        process: {
          type: object("Process"),
          doc: "who was denied; of process_exec the new image, which was killed, or by LSM the old one, which goes on",
        },
        parent: PARENT,
        ancestors: ANCESTORS,
        selector: { type: string, from: "denial.selector", doc: "id of the selector" },
        policy: { type: string, doc: "policy, decision or person that the selector comes from" },
        hook: { type: string, from: "denial.hook", doc: "where: process_exec, file_open, network_connect" },
        mode: {
          type: { is: "string", values: ["monitor", "enforce"] },
          from: "denial.mode",
          doc: "`monitor`: it would have been done",
        },
        action: { type: string, from: "denial.action", doc: "what was done: deny, kill, signal" },
        priority: { type: integer, doc: "the selector's priority" },
        count: {
          type: integer,
          from: "denial.count",
          doc: "denials that this stands for: 1 and those suppressed by the rate limit since the last",
        },
        undecided: {
          type: boolean,
          from: "denial.flags",
          doc: "whether a value that the selector asks for was not known in the kernel, so that it counted as matching",
        },
        because: {
          type: { is: "foreign", name: "Because", module: "../types/selector.ts" },
          doc: "why the selector exists",
        },
        socket: {
          type: object("DeniedSocket"),
          nullable: true,
          doc: "the connection; null where the hook is not about one",
        },
        file: {
          type: object("OpenedFile"),
          nullable: true,
          doc: "the file that was to be opened or executed; null where the hook is about none, or kills afterwards (then process.binary)",
        },
      },
    },
    GapEvent: {
      doc: "Events were lost.",
      extends: "Envelope",
      fields: {
        kind: kind("gap"),
        from: { type: time, doc: "start of the time in which events may be missing" },
        to: { type: time, doc: "its end" },
        kinds: { type: list(string), doc: "kinds of the missing events" },
        count: { type: integer, nullable: true, doc: "how many are missing; null when that is unknown" },
        reason: { type: string, doc: "ring_overflow, buffer_overflow, agent_restart ..." },
      },
    },
    Process: {
      doc: "A process, as far as its whole life tells.",
      fields: {
        exec_id: {
          type: string,
          from: [`${IMAGE}.key.start`, `${IMAGE}.key.self_exec_id`],
          doc: "names this image of this process for ever; opaque",
        },
        parent_exec_id: {
          type: string,
          nullable: true,
          from: [`${IMAGE}.parent.start`, `${IMAGE}.parent.self_exec_id`, `${IMAGE}.parent.tgid`],
          doc: "exec_id of the real parent; null when it is unknown",
        },
        pid: { type: integer, from: `${IMAGE}.key.tgid` },
        tid: { type: integer, from: `${IMAGE}.caller_tid`, doc: "thread that called exec; else the process id" },
        uid: { type: integer, from: `${CREDENTIALS}.uid` },
        auid: { type: integer, from: `${CREDENTIALS}.auid` },
        binary: { type: string, from: "process_exec.binary" },
        arguments: {
          type: string,
          from: "process_exec.arguments",
          doc: "arguments after the zeroth, joined by spaces, redacted by the filters that are configured",
        },
        cwd: { type: string, from: "process_exec.cwd" },
        start_time: { type: time, doc: "when the process started" },
        flags: {
          type: string,
          from: [`${IMAGE}.flags`, `${IMAGE}.arguments_bytes`],
          doc:
            "words: how it is known (execve, clone: a copy of its parent that ran no image yet, seed: ran already when the agent " +
            "started), and marks (arguments_truncated, binary_deleted, binary_truncated, cwd_deleted, kernel_thread ...)",
        },
        cgroup: { type: object("Cgroup"), doc: "its cgroup" },
        container: { type: object("Container"), nullable: true, doc: "its container; null when it is in none" },
        pod: { type: object("Pod"), nullable: true, doc: "its pod; null when it is in none" },
      },
    },
    ExecProcess: {
      doc: "A process at the moment of its exec, with all that the kernel told.",
      extends: "Process",
      fields: {
        tty: {
          type: string,
          nullable: true,
          from: `${IMAGE}.tty`,
          doc: "controlling terminal (pts/0); null when none",
        },
        script: {
          type: string,
          nullable: true,
          from: "process_exec.script",
          doc: "script that the binary interprets by its shebang, made absolute by cwd; null when it is none",
        },
        stdio: {
          type: list(object("StdioEntry")),
          doc: "file descriptors 0, 1 and 2; one that is closed is not in the list",
        },
        cap: { type: object("Capabilities"), doc: "capability sets" },
        ns: { type: object("Namespaces"), doc: "inode numbers of its namespaces" },
        credentials: { type: object("Credentials"), doc: "user and group ids" },
        binary_properties: { type: object("BinaryProperties"), doc: "the executed file" },
        previous: {
          type: object("PreviousImage"),
          nullable: true,
          doc: "the image that exec replaced; null when it is unknown",
        },
      },
    },
    PreviousImage: {
      doc: "The image that exec replaced.",
      fields: { binary: { type: string, from: "process_exec.previous", doc: "path of the replaced binary" } },
    },
    ParentRef: {
      doc: "A parent, in short.",
      fields: {
        exec_id: { type: string, doc: "its exec_id" },
        pid: { type: integer, doc: "its process id" },
        uid: { type: integer, doc: "its real user id" },
        binary: { type: string, doc: "path of its binary" },
        arguments: { type: string, doc: "its arguments, as process.arguments" },
        cwd: { type: string, doc: "its working directory at its exec" },
        start_time: { type: time, doc: "when it started" },
      },
    },
    AncestorRef: {
      doc: "A farther ancestor.",
      fields: {
        exec_id: { type: string, doc: "its exec_id" },
        pid: { type: integer, doc: "its process id" },
        binary: { type: string, doc: "path of its binary" },
      },
    },
    StdioEntry: {
      doc: "One of file descriptors 0, 1 and 2.",
      fields: {
        fd: { type: integer, doc: "0, 1 or 2" },
        type: {
          type: { is: "string", values: ["tty", "pipe", "fifo", "file", "socket", "null", "other"] },
          from: "process_exec.stdio.type",
        },
        inode: { type: integer, from: "process_exec.stdio.inode" },
        family: {
          type: { is: "string", values: ["unix", "ipv4", "ipv6", "other"] },
          optional: true,
          from: "process_exec.stdio.family",
          doc: "family of a socket; an IPv4 address on an IPv6 socket is ipv4",
        },
        protocol: {
          type: string,
          optional: true,
          from: "process_exec.stdio.protocol",
          doc: "of an ipv4 or ipv6 socket: tcp, udp, or the protocol's number",
        },
        saddr: { type: string, optional: true, from: "process_exec.stdio.saddr" },
        sport: { type: integer, optional: true, from: "process_exec.stdio.sport" },
        daddr: { type: string, optional: true, from: "process_exec.stdio.daddr" },
        dport: { type: integer, optional: true, from: "process_exec.stdio.dport" },
      },
    },
    Capabilities: {
      doc:
        "Capability sets: by name (CAP_NET_ADMIN) what counts, the others as bits, 16 hexadecimal digits as in " +
        "/proc/PID/status (a name for every bit of every set made up half of the event).",
      fields: {
        effective: { type: list(string), from: `${CREDENTIALS}.cap_effective` },
        permitted: { type: string, from: `${CREDENTIALS}.cap_permitted` },
        inheritable: { type: string, from: `${CREDENTIALS}.cap_inheritable` },
      },
    },
    Namespaces: {
      doc: "Inode numbers of namespaces.",
      fields: Object.fromEntries(
        ["uts", "ipc", "mnt", "pid", "pid_for_children", "net", "time", "cgroup", "user"].map((name) => [
          name,
          { type: integer, from: `${IMAGE}.namespaces.${name}` },
        ]),
      ),
    },
    Credentials: {
      doc: "User and group ids.",
      fields: {
        ...Object.fromEntries(
          ["uid", "gid", "euid", "egid", "suid", "sgid", "fsuid", "fsgid"].map((name) => [
            name,
            { type: integer, from: `${CREDENTIALS}.${name}` },
          ]),
        ),
        securebits: { type: integer, from: `${CREDENTIALS}.securebits` },
      },
    },
    BinaryProperties: {
      doc: "The executed file.",
      fields: {
        inode: { type: integer, from: `${IMAGE}.file.inode` },
        device: {
          type: string,
          from: [`${IMAGE}.file.device_major`, `${IMAGE}.file.device_minor`],
          doc: "device that it lies on, `major:minor`",
        },
        links: { type: integer, from: `${IMAGE}.file.links` },
        setuid: {
          type: integer,
          nullable: true,
          from: [`${IMAGE}.file.mode`, `${IMAGE}.file.uid`],
          doc: "owner of a file with the set-user-id bit, else null",
        },
        setgid: {
          type: integer,
          nullable: true,
          from: [`${IMAGE}.file.mode`, `${IMAGE}.file.gid`],
          doc: "group of a file with the set-group-id bit, else null",
        },
        privileges_raised: {
          type: boolean,
          doc: "whether this exec raised privileges (set-id bits or file capabilities)",
        },
        deleted: { type: boolean, doc: "whether its name is gone from the directory" },
        memfd: { type: boolean, doc: "whether it lies in memory only, made by memfd_create" },
        upper: {
          type: boolean,
          doc: "whether it lies in an overlay's upper layer: written after the container started",
        },
      },
    },
    Cgroup: {
      doc: "A cgroup.",
      fields: {
        id: { type: integer, from: `${IMAGE}.cgroup_id`, doc: "its id in the v2 hierarchy" },
        path: {
          type: string,
          nullable: true,
          from: `${IMAGE}.cgroup_v1_id`,
          doc: "its path in the hierarchy that names containers; null when it is gone",
        },
      },
    },
    Container: {
      doc: "A container.",
      fields: {
        id: { type: string, doc: "its whole id" },
        known: {
          type: boolean,
          doc: "whether its runtime has said who it is; false: name, image and labels are missing, not empty",
        },
        name: { type: string, nullable: true, doc: "its name" },
        image: { type: string, nullable: true, doc: "its image, as it was asked for when the container was made" },
        labels: { type: { is: "map", of: string }, doc: "its labels; what goes beyond 8 KB is left out" },
        project: { type: string, nullable: true, doc: "its compose project" },
        service: { type: string, nullable: true, doc: "its compose service" },
      },
    },
    Pod: {
      doc: "A pod.",
      fields: {
        uid: { type: string, nullable: true, doc: "its uid" },
        namespace: { type: string, doc: "its namespace" },
        name: { type: string, doc: "its name" },
        labels: { type: { is: "map", of: string }, doc: "its labels" },
      },
    },
    OpenedFile: {
      doc: "A file that something was done to, or was to be done.",
      fields: {
        path: {
          type: string,
          from: ["file_open.path", "denial.path"],
          doc:
            "its path from the process's root as the kernel resolved it; of a file in no directory its name (/memfd:x), or its " +
            "file system's (/pipefs)",
        },
        flags: {
          type: list(string),
          from: "file_open.file.flags",
          doc:
            "flags that it was opened with (O_RDWR, O_CREAT ...); O_CLOEXEC only on rung sys_exit; FMODE_EXEC when it was " +
            "opened to be executed; none where it was not opened",
        },
        mode: { type: string, from: "file_open.file.mode", doc: "its permission bits, in octal: `0644`" },
        type: {
          type: { is: "string", values: ["regular", "directory", "link", "char", "block", "fifo", "socket", "other"] },
          doc: "what it is",
        },
        inode: { type: integer, from: "file_open.file.inode" },
        device: {
          type: string,
          from: ["file_open.file.device_major", "file_open.file.device_minor"],
          doc: "device that it lies on, `major:minor`",
        },
        links: { type: integer, from: "file_open.file.links" },
        uid: { type: integer, from: "file_open.file.uid" },
        gid: { type: integer, from: "file_open.file.gid" },
        created: {
          type: boolean,
          doc: "whether the open made it: a file that is new. Selectors ask for it by `CREATED` in file.flags",
        },
        deleted: {
          type: boolean,
          from: "file_open.file.marks",
          doc: "whether its name is gone from the directory: the path is where it was",
        },
        anonymous: { type: boolean, doc: "whether it lies in no directory: memfd, pipe, namespace" },
        unreachable: {
          type: boolean,
          doc:
            "whether the process's root does not lead to it (another mount namespace, a mount that is gone, opened by a " +
            "handle): the path is as far as it goes, and selectors by path are undecided",
        },
        truncated: { type: boolean, doc: "whether the path is longer than 4096 bytes: its end is there" },
        upper: {
          type: boolean,
          doc: "whether it lies in an overlay's upper layer: written after the container started",
        },
      },
    },
    Socket: {
      doc: "Both ends of a socket. An IPv4 address on an IPv6 socket is ipv4.",
      fields: {
        family: {
          type: oneOf("ipv4", "ipv6"),
          from: "network_accept.socket.family",
          doc: "family of its addresses",
        },
        protocol: {
          type: string,
          from: "network_accept.socket.protocol",
          doc: "tcp, udp, or the protocol's number",
        },
        saddr: { type: string, from: "network_accept.socket.saddr" },
        sport: { type: integer, from: "network_accept.socket.sport" },
        daddr: { type: string, from: "network_accept.socket.daddr" },
        dport: { type: integer, from: "network_accept.socket.dport" },
      },
    },
    LocalSocket: {
      doc: "A socket without a peer. An IPv4 address on an IPv6 socket is ipv4.",
      fields: {
        family: { type: oneOf("ipv4", "ipv6"), from: "network_bind.socket.family", doc: "family of its address" },
        protocol: { type: string, from: "network_bind.socket.protocol", doc: "tcp, udp, or the protocol's number" },
        saddr: { type: string, from: "network_bind.socket.saddr" },
        sport: { type: integer, from: "network_bind.socket.sport" },
      },
    },
    ActedFile: {
      doc:
        "A file that something was done to by its name. What it is is null where only the name is known: at the end of a system " +
        "call that was given a name (rung sys_exit), and of a name that stands for nothing yet.",
      fields: {
        path: { type: string, doc: "its path from the process's root" },
        resolved: {
          type: oneOf("kernel", "parent", "given", "unread"),
          doc:
            "how the path was found. kernel: from the file itself; parent: its directory from the kernel, its name as the caller " +
            "gave it; given: directories too are as the caller gave them, and symbolic links among them are not followed; " +
            "unread: the caller's memory could not be read, and the path is not known",
        },
        type: {
          type: oneOf("regular", "directory", "link", "char", "block", "fifo", "socket", "other"),
          nullable: true,
          doc: "what it is",
        },
        mode: { type: string, nullable: true, doc: "its permission bits, in octal: `0644`" },
        inode: { type: integer, nullable: true, doc: "inode number" },
        device: { type: string, nullable: true, doc: "device that it lies on, `major:minor`" },
        links: { type: integer, nullable: true, doc: "hard links to it" },
        uid: { type: integer, nullable: true, doc: "owner" },
        gid: { type: integer, nullable: true, doc: "group" },
        deleted: { type: boolean, doc: "whether it, or the directory that the path starts from, is gone" },
        anonymous: { type: boolean, doc: "whether it lies in no directory: memfd" },
        unreachable: { type: boolean, doc: "whether the process's root does not lead to it" },
        truncated: { type: boolean, doc: "whether the path is longer than 4096 bytes: its end is there" },
        upper: {
          type: boolean,
          doc: "whether it lies in an overlay's upper layer: written after the container started",
        },
      },
    },
    DeniedSocket: {
      doc: "A connection that was denied, or another act with a socket.",
      fields: {
        family: { type: oneOf("ipv4", "ipv6"), from: "denial.family", doc: "family of its addresses" },
        protocol: { type: string, from: "denial.protocol", doc: "tcp, udp, or the protocol's number" },
        daddr: {
          type: string,
          optional: true,
          from: "denial.daddr",
          doc: "the peer's address; missing where the hook is about none",
        },
        dport: { type: integer, optional: true, from: "denial.dport", doc: "the peer's port" },
        saddr: { type: string, optional: true, doc: "local address, where it is known" },
        sport: { type: integer, optional: true, doc: "local port, where it is known" },
      },
    },
  },
  events: {
    process_exec: "ProcessExecEvent",
    process_exit: "ProcessExitEvent",
    denial: "DenialEvent",
    gap: "GapEvent",
  },
  internal: {
    "process_exec.image.comm": "the binary says more; kernel threads are shown by it",
    "process_exec.image.credentials.cap_bounding": "rules have not asked for it",
    "process_exec.image.credentials.cap_ambient": "ambient capabilities are effective ones",
    "process_exit.key.start": "part of process.exec_id",
    "process_exit.key.self_exec_id": "part of process.exec_id",
    "process_exit.key.tgid": "process.pid",
    "process_seed.": "fills the process table",
    "process_clone.": "fills the process table",
    "cgroup.": "how the agent learns of containers",
    "denial.file.": "as file_open.file",
    "denial.process.start": "part of process.exec_id",
    "denial.process.self_exec_id": "part of process.exec_id",
    "denial.process.tgid": "process.pid",
    "denial.install": "names the selector, with its place",
    "denial.tid": "the process is told",
    "denial.operands": "for whoever looks for the fault in a selector",
  },
};
