import { afterAll, beforeAll, expect, test } from "vitest";
import { capabilityNames } from "../../agent/events/names.ts";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const PTRACES = buildProgram("ptraces");
const CREDENTIALS = buildProgram("credentials");

interface Held {
  pid: number;
  request: string;
  target: number;
  target_pid: number;
  address: string;
  data: string;
  result: number;
}

interface Changed {
  call: string;
  pid: number;
  asked: number[];
  result: number;
  status: string;
  loginuid: string;
  securebits: number;
}

let rig: HookRig;
beforeAll(async () => {
  rig = await HookRig.start("privileges");
});
afterAll(() => rig.stop());

test("every way to take hold of a process is told once, with whom, what and the result", async () => {
  await rig.demand("ptrace");
  const { rung } = await rig.hook("ptrace");
  const { truths } = rig.run<Held>(PTRACES);
  expect(truths.map(({ request }) => request)).toContain("process_vm_writev");
  for (const pid of new Set(truths.map((truth) => truth.pid))) {
    const own = truths.filter((truth) => truth.pid === pid);
    const events = await rig.events("ptrace", pid, own.length);
    expect(
      events.map(({ request, target, target_pid, address, data, result }) => {
        const seen = { request, target: target?.pid ?? 0, target_pid, address, data, result };
        return { pid, ...seen };
      }),
    ).toEqual(own);
    for (const event of events) expect(event).toMatchObject({ rung, process: { binary: PTRACES } });
    for (const { target } of events) if (target) expect(target.binary).toMatch(/ptraces$|sh$|node$/);
  }
  expect(truths.filter(({ result }) => result > 0).map(({ request }) => request)).toEqual(
    expect.arrayContaining(["process_vm_readv", "process_vm_writev", "pidfd_getfd"]),
  );
});

test("holds on processes: only what a selector asks for is told: by request and by target", async () => {
  const match = [{ field: "request", op: "in" as const, values: ["PTRACE_ATTACH", "pidfd_getfd"] }];
  await rig.demand(rig.selector("ptrace", { match }));
  const [first, ...more] = rig.run<Held>(PTRACES).truths;
  const events = await rig.events("ptrace", first!.pid, 2);
  expect(events.map(({ request }) => request)).toEqual(["PTRACE_ATTACH", "pidfd_getfd"]);
  expect(more.length).toBeGreaterThan(2);
  await rig.demand(rig.selector("ptrace", { match: [{ field: "target.pid", op: "in", values: [0] }] }));
  const [other] = rig.run<Held>(PTRACES).truths;
  expect((await rig.events("ptrace", other!.pid, 1)).map(({ request }) => request)).toEqual(["PTRACE_SEIZE"]);
});

test("a deny of holds holds where the kernel can, also for the child's own wish to be traced, and is told", async () => {
  const deny = rig.selector("ptrace", { id: "deny-ptrace", action: "deny" });
  const { refused } = await rig.demand("ptrace", deny);
  const { can_deny } = await rig.hook("ptrace");
  expect(refused.length).toBe(can_deny ? 0 : 1);
  const { truths } = rig.run<Held>(PTRACES);
  const results = Object.fromEntries(truths.map(({ request, result }) => [request, result]));
  const denied = ["PTRACE_ATTACH", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "PTRACE_TRACEME"];
  for (const request of denied) expect([request, results[request] === -1]).toEqual([request, can_deny]);
  const events = await rig.events("ptrace", truths[0]!.pid, truths.length - 1);
  expect(events.map(({ result }) => result)).toEqual(truths.slice(0, -1).map(({ result }) => result));
  const denials = await rig.events("denial", truths[0]!.pid, can_deny ? 4 : 0);
  expect(denials.map(({ selector, hook }) => [selector, hook])).toEqual(
    can_deny ? Array.from({ length: 4 }, () => ["deny-ptrace", "ptrace"]) : [],
  );
});

/** What /proc says of a thread, as a `CredentialSet`. */
function credentials({ status, loginuid, securebits }: Changed) {
  const line = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(status)![1]!.split(/\s+/);
  const [uid, euid, suid, fsuid] = line("Uid").map(Number);
  const [gid, egid, sgid, fsgid] = line("Gid").map(Number);
  const set = (name: string) => capabilityNames(Number(`0x${line(name)[0]}`));
  return {
    ...{ uid, euid, suid, fsuid, gid, egid, sgid, fsgid, auid: Number(loginuid), securebits },
    cap: {
      ...{ effective: set("CapEff"), permitted: set("CapPrm"), inheritable: set("CapInh") },
      ...{ bounding: set("CapBnd"), ambient: set("CapAmb") },
    },
  };
}

test("each change of credentials is told with what was before, what was asked for, what came of it and what was gained", async () => {
  await rig.demand("process_credentials");
  const { rung } = await rig.hook("process_credentials");
  const [start, ...truths] = rig.run<Changed>(CREDENTIALS).truths;
  const events = await rig.events("process_credentials", start!.pid, truths.length);
  expect(events.map(({ call, result }) => [call, result])).toEqual(truths.map(({ call, result }) => [call, result]));
  let before = start!;
  for (const [at, truth] of truths.entries()) {
    const [real, effective, saved, fs] = truth.asked.map((id) => (id === -1 ? null : id));
    expect(events[at]).toMatchObject({
      ...{ rung, process: { pid: truth.pid, binary: CREDENTIALS }, asked: { real, effective, saved, fs } },
      ...{ old: credentials(before), new: credentials(truth) },
    });
    before = truth;
  }
  const gains = events.map(({ gained }) => gained);
  expect(gains.filter((names) => names.length > 0).map((names) => names.slice(0, 2))).toEqual([
    ["CAP_NET_RAW"],
    ["CAP_SYS_PTRACE"],
    ["CAP_CHOWN", "CAP_DAC_OVERRIDE"],
  ]);
  // root's effective set comes back by setreuid
  expect(events[gains.findIndex(({ length }) => length > 2)]!.call).toBe("setreuid");
});

test("credentials: only what a selector asks for is told: by call, new user and gained capabilities", async () => {
  const seen = async (field: string, op: "in" | "mask", values: (string | number)[]) => {
    await rig.demand(rig.selector("process_credentials", { match: [{ field, op, values }] }));
    const { pid } = rig.run<Changed>(CREDENTIALS).truths[0]!;
    return (await rig.events("process_credentials", pid, 1)).map(({ call }) => call);
  };
  expect(await seen("call", "in", ["setgid", "setgroups"])).toEqual(["setgroups", "setgid"]);
  expect(await seen("new.euid", "in", [22])).toEqual(["setresuid", "setfsuid"]);
  expect((await seen("new.uid", "in", [31]))[0]).toBe("setuid");
  expect(await seen("gained", "mask", ["CAP_SYS_PTRACE"])).toEqual(["capset", "setreuid"]);
  expect(await seen("gained.high", "mask", ["CAP_BPF"])).toEqual(["setreuid"]);
});

test("a deny of credentials holds where the kernel can, and is told", async () => {
  const match = [{ field: "new.uid", op: "in" as const, values: [31] }];
  const deny = rig.selector("process_credentials", { id: "deny-31", action: "deny", match });
  const { refused } = await rig.demand("process_credentials", deny);
  const { can_deny } = await rig.hook("process_credentials");
  expect(refused.length).toBe(can_deny ? 0 : 1);
  const { truths } = rig.run<Changed>(CREDENTIALS);
  const { pid } = truths[0]!;
  expect(truths.find(({ call }) => call === "setuid")!.result).toBe(can_deny ? -1 : 0);
  const events = await rig.events("process_credentials", pid, truths.length - 1);
  expect(events.map(({ result }) => result)).toEqual(truths.slice(1).map(({ result }) => result));
  const denials = await rig.events("denial", pid, can_deny ? 1 : 0);
  expect(denials.slice(0, 1).map(({ selector, hook }) => [selector, hook])).toEqual(
    can_deny ? [["deny-31", "process_credentials"]] : [],
  );
});
