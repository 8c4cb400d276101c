import { afterAll, beforeAll, expect, test } from "vitest";
import { bitNames } from "../../agent/hooks/kinds/shared/calls.ts";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const SIGNALS = buildProgram("signals");
const NAMESPACES = buildProgram("namespaces");
const REDIRECTS = buildProgram("redirects");

interface Signal {
  pid: number;
  signal: string;
  target: number;
  target_tid: number;
  target_pid: number;
  outcome: string;
  result: number;
}

interface Namespace {
  pid: number;
  call: string;
  flags: number;
  child: number;
  result: number;
  ns: Record<string, number>;
}

interface Redirect {
  pid: number;
  fd: number;
  old_fd: number;
  result: number;
  inode: number;
  saddr?: string;
}

let rig: HookRig;
beforeAll(async () => {
  rig = await HookRig.start("processes");
});
afterAll(() => rig.stop());

test("each signal that a process sends is told once for each target, with its outcome; what is refused too", async () => {
  await rig.demand("process_signal");
  const { rung } = await rig.hook("process_signal");
  const { truths } = rig.run<Signal>(SIGNALS);
  for (const pid of new Set(truths.map((truth) => truth.pid))) {
    const own = truths.filter((truth) => truth.pid === pid);
    const events = await rig.events("process_signal", pid, own.length);
    expect(
      events.map(({ signal, target, target_tid, target_pid, outcome, result }) => {
        const seen = { signal, target: target?.pid ?? 0, target_tid: target_tid ?? 0, target_pid, outcome, result };
        return { pid, ...seen };
      }),
    ).toEqual(own);
    for (const event of events) expect(event).toMatchObject({ rung, process: { binary: SIGNALS } });
    for (const { target } of events) if (target) expect(target.binary).toBe(SIGNALS);
  }
  expect(truths.filter(({ result }) => result < 0).map(({ result }) => result)).toEqual([-3, -1]);
});

test("signals: only what a selector asks for is told, and a deny holds where the kernel can", async () => {
  const match = [{ field: "signal", op: "in" as const, values: ["SIGHUP", "SIGRTMIN+1"] }];
  const deny = rig.selector("process_signal", { id: "deny-signal", action: "deny", match });
  const { refused } = await rig.demand(rig.selector("process_signal", { match }), deny);
  const { can_deny } = await rig.hook("process_signal");
  expect(refused.length).toBe(can_deny ? 0 : 1);
  const { truths } = rig.run<Signal>(SIGNALS);
  const { pid } = truths[0]!;
  const events = await rig.events("process_signal", pid, 2);
  const result = can_deny ? -1 : 0;
  const outcome = can_deny ? "refused" : "delivered";
  expect(events).toMatchObject([
    { signal: "SIGHUP", result, outcome },
    { signal: "SIGRTMIN+1", result, outcome },
  ]);
  expect(truths.find((one) => one.signal === "SIGHUP")!.result).toBe(result);
  expect(await rig.events("denial", pid, can_deny ? 2 : 0)).toHaveLength(can_deny ? 2 : 0);
});

/** In the order that events have them. */
const CLONE = {
  CLONE_FS: 0x200,
  CLONE_NEWNS: 0x20000,
  CLONE_NEWCGROUP: 0x2000000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
};
const TYPES = [
  ["uts", "ipc"],
  ["mnt"],
  ["cgroup", "net"],
  ["uts"],
  ["ipc"],
  ["net"],
  ["ipc"],
  ["uts", "pid"],
  ["user"],
  ["user"],
];

test("each change of namespaces is told with what was before, what is after, the child of a clone and the result", async () => {
  await rig.demand("namespace_change");
  const { rung } = await rig.hook("namespace_change");
  const [start, ...truths] = rig.run<Namespace>(NAMESPACES).truths;
  const { pid } = start!;
  const events = await rig.events("namespace_change", pid, truths.length);
  expect(events.map(({ call, result }) => [call, result])).toEqual(truths.map(({ call, result }) => [call, result]));
  expect(truths.filter(({ result }) => result < 0).map(({ result }) => result)).toEqual([-9, -22]);
  let before = start!.ns;
  for (const [at, { flags, child, ns }] of truths.entries()) {
    const event = events[at]!;
    expect(event).toMatchObject({ rung, process: { binary: NAMESPACES }, flags: bitNames(flags, CLONE), old: before });
    expect([...event.types].sort()).toEqual([...TYPES[at]!].sort());
    expect(event.new).toEqual({ ...ns, pid_for_children: ns["pid_for_children"] || event.new.pid_for_children });
    expect(event.child?.pid ?? 0).toBe(child);
    if (child === 0) before = ns;
  }
});

test("namespaces: only what a selector asks for is told, and a deny holds where the kernel can", async () => {
  const match = [{ field: "types", op: "mask" as const, values: ["user", "mnt"] }];
  const deny = rig.selector("namespace_change", { id: "deny-namespace", action: "deny", match });
  const { refused } = await rig.demand(rig.selector("namespace_change", { match }), deny);
  const { can_deny } = await rig.hook("namespace_change");
  expect(refused.length).toBe(can_deny ? 0 : 1);
  const { truths } = rig.run<Namespace>(NAMESPACES);
  const { pid } = truths[0]!;
  const results = (call: string, flag: number) =>
    truths.filter((one) => one.call === call && (one.flags & flag) !== 0).map(({ result }) => result < 0);
  expect(results("unshare", CLONE.CLONE_NEWNS)).toEqual([can_deny]);
  expect(results("unshare", CLONE.CLONE_NEWUSER)).toEqual([can_deny]);
  expect(results("clone", CLONE.CLONE_NEWUSER)).toEqual([can_deny]);
  // a clone that fails is told as a denial only
  const events = await rig.events("namespace_change", pid, can_deny ? 2 : 3);
  expect(events.map(({ call }) => call)).toEqual(can_deny ? ["unshare", "unshare"] : ["unshare", "clone", "unshare"]);
  expect(await rig.events("denial", pid, can_deny ? 3 : 0)).toHaveLength(can_deny ? 3 : 0);
});

test("each socket that becomes standard input, output or error is told with its addresses, and nothing else", async () => {
  await rig.demand("stdio_redirect");
  const { rung } = await rig.hook("stdio_redirect");
  const { truths } = rig.run<Redirect>(REDIRECTS);
  const events = await rig.events("stdio_redirect", truths[0]!.pid, truths.length);
  const sockets = [
    { family: "ipv4", protocol: "tcp" },
    { family: "ipv4", protocol: "udp" },
    { family: "ipv6", protocol: "tcp" },
    { family: "ipv4", protocol: "tcp" },
    { family: "unix" },
  ];
  expect(events).toMatchObject(
    truths.map(({ pid, fd, old_fd, result, ...socket }, at) => {
      expect(result).toBe(fd);
      // the kernel gives IPv4 addresses of an IPv6 socket in IPv6 form
      const [own, peer] = [socket.saddr, (socket as { daddr?: string }).daddr].map((text) =>
        text?.replace("::ffff:", ""),
      );
      const addresses = own === undefined ? {} : { saddr: own, daddr: peer };
      return Object.assign(
        { fd, old_fd, rung, process: { pid } },
        { socket: { ...socket, ...addresses, ...sockets[at] } },
      );
    }),
  );
});

test("redirected sockets: only what a selector asks for is told", async () => {
  const seen = async (field: string, op: "in" | "cidr", values: (string | number)[]) => {
    await rig.demand(rig.selector("stdio_redirect", { match: [{ field, op, values }] }));
    const { pid } = rig.run<Redirect>(REDIRECTS).truths[0]!;
    return (await rig.events("stdio_redirect", pid, 1)).map(({ fd }) => fd);
  };
  expect(await seen("socket.daddr", "cidr", ["127.0.0.0/8"])).toEqual([0, 1, 0]);
  expect(await seen("socket.daddr", "cidr", ["::/0"])).toEqual([2]);
  expect(await seen("socket.family", "in", ["unix"])).toEqual([1]);
  expect(await seen("socket.protocol", "in", ["udp"])).toEqual([1]);
  expect(await seen("fd", "in", [2])).toEqual([2]);
});
