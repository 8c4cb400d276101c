import { EVENT_KINDS } from "../../bus/generated/events.ts";
import type { Event } from "../../bus/generated/events.ts";
import { EXAMPLES } from "../../bus/generated/examples.ts";
import { formatEventId } from "../../bus/ids.ts";

type Json = { [key: string]: unknown };

const TIME = "2026-01-01T00:00:00.000000000Z";

const PROCESS: Json = {
  ...{
    exec_id: "dGVzdDoxOjQyNDI6MQ==",
    parent_exec_id: "dGVzdDoxOjQyMDA6MQ==",
    pid: 4242,
    tid: 4242,
    uid: 1000,
    auid: 1000,
  },
  ...{ binary: "/usr/bin/true", arguments: "", cwd: "/", start_time: TIME, flags: "execve" },
  ...{ cgroup: { id: 1, path: "/user.slice" }, container: null, pod: null },
};

const CONTAINER: Json = {
  ...{ id: "3f5c1e0a".repeat(8), known: true, name: "shop-web-1", image: "shop", labels: {} },
  ...{ project: null, service: null },
};

const EXEC_PROCESS: Json = {
  ...PROCESS,
  ...{ tty: null, script: null },
  stdio: [
    { fd: 0, type: "null", inode: 5 },
    { fd: 1, type: "null", inode: 5 },
    { fd: 2, type: "null", inode: 5 },
  ],
  cap: { effective: [], permitted: "0000000000000000", inheritable: "0000000000000000" },
  ns: { uts: 1, ipc: 2, mnt: 3, pid: 4, pid_for_children: 4, net: 5, time: 6, cgroup: 7, user: 8 },
  credentials: {
    uid: 1000,
    gid: 1000,
    euid: 1000,
    egid: 1000,
    suid: 1000,
    sgid: 1000,
    fsuid: 1000,
    fsgid: 1000,
    securebits: 0,
  },
  binary_properties: {
    ...{ inode: 1310, device: "8:1", links: 1, setuid: null, setgid: null, privileges_raised: false },
    ...{ deleted: false, memfd: false, upper: false },
  },
  previous: { binary: "/usr/bin/bash" },
};

const AROUND: Json = {
  parent: {
    ...{ exec_id: "dGVzdDoxOjQyMDA6MQ==", pid: 4200, uid: 1000, binary: "/usr/bin/bash", arguments: "", cwd: "/" },
    start_time: TIME,
  },
  ancestors: [{ exec_id: "dGVzdDoxOjE6MQ==", pid: 1, binary: "/usr/lib/systemd/systemd" }],
};

const ORDINARY: Readonly<Record<string, Json>> = {
  ...Object.fromEntries(
    Object.entries(EXAMPLES).map(([kind, members]) => [kind, { process: PROCESS, ...AROUND, ...members }]),
  ),
  process_exec: { rung: "tp_btf", process: EXEC_PROCESS, ...AROUND },
  process_exit: {
    rung: "tp_btf",
    process: PROCESS,
    ...AROUND,
    status: 0,
    signal: null,
    core_dumped: false,
    duration_ns: 1000,
  },
  denial: {
    ...{
      rung: "tp_btf",
      process: PROCESS,
      ...AROUND,
      selector: "test",
      policy: "test",
      hook: "process_exec",
      mode: "enforce",
    },
    ...{ action: "deny", priority: 0, count: 1, undecided: false, because: {}, socket: null, file: null },
  },
  gap: { from: TIME, to: TIME, kinds: ["process_exec"], count: 1, reason: "ring_overflow" },
};

/** The event that a test wrote down, with what it left out from an ordinary event of its kind; or what is wrong with it. */
export function fillEvent(given: unknown, index: number): Event | string {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return "an event is a mapping";
  const { kind = "process_exec", ...rest } = given as Json;
  if (!(EVENT_KINDS as readonly unknown[]).includes(kind)) return `unknown event kind ${JSON.stringify(kind)}`;
  const node = typeof rest["node"] === "string" ? rest["node"] : "test";
  const id = formatEventId({ node, boot: "0", epoch: 1, kind: kind as string, seq: index + 1 });
  const filled = merge({ id, kind, node, time: TIME, ...ORDINARY[kind as string] }, rest);
  const process = filled["process"];
  if (isMap(process) && isMap(process["container"])) process["container"] = merge(CONTAINER, process["container"]);
  return filled as unknown as Event;
}

/** Mappings are merged, everything else is taken as it was given. */
function merge(base: Json, over: Json): Json {
  const merged: Json = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isMap(below) && isMap(value) ? merge(below, value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
