import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const PTRACES = buildProgram("ptraces");

interface Truth {
  pid: number;
  request: string;
  target: number;
  target_pid: number;
  address: string;
  data: string;
  result: number;
}

let rig: HookRig;
beforeAll(async () => {
  rig = await HookRig.start("ptrace");
});
afterAll(() => rig.stop());

test("every way to take hold of a process is told once, with whom, what and the result", async () => {
  await rig.demand("ptrace");
  const { rung } = await rig.hook("ptrace");
  const { truths } = rig.run<Truth>(PTRACES);
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

test("only what a selector asks for is told: by request and by target", async () => {
  const match = [{ field: "request", op: "in" as const, values: ["PTRACE_ATTACH", "pidfd_getfd"] }];
  await rig.demand(rig.selector("ptrace", { match }));
  const [first, ...more] = rig.run<Truth>(PTRACES).truths;
  const events = await rig.events("ptrace", first!.pid, 2);
  expect(events.map(({ request }) => request)).toEqual(["PTRACE_ATTACH", "pidfd_getfd"]);
  expect(more.length).toBeGreaterThan(2);
  await rig.demand(rig.selector("ptrace", { match: [{ field: "target.pid", op: "in", values: [0] }] }));
  const [other] = rig.run<Truth>(PTRACES).truths;
  expect((await rig.events("ptrace", other!.pid, 1)).map(({ request }) => request)).toEqual(["PTRACE_SEIZE"]);
});

test("a deny holds where the kernel can, also for the child's own wish to be traced, and is told", async () => {
  const deny = rig.selector("ptrace", { id: "deny-ptrace", action: "deny" });
  const { refused } = await rig.demand("ptrace", deny);
  const { can_deny } = await rig.hook("ptrace");
  expect(refused.length).toBe(can_deny ? 0 : 1);
  const { truths } = rig.run<Truth>(PTRACES);
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
