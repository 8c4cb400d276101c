import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const OPENS = buildProgram("opens");
const ACTS = buildProgram("file-acts");

let rig: HookRig;
const at = (name: string) => join(rig.dir, name);
beforeAll(async () => {
  rig = await HookRig.start("creation");
});
afterAll(() => rig.stop());

test("a file that is made is an open that says so, and selectors ask for no other", async () => {
  writeFileSync(at("old"), "");
  await rig.demand(rig.selector("file_open", { match: [{ field: "file.flags", op: "mask", values: ["CREATED"] }] }));
  const { truths } = rig.run<{ pid: number; result: number; inode: number; mode: number }>(
    OPENS,
    ...["open", at("old"), "creat", at("old"), "creat", at("new"), "create", at("newer"), "append", at("new")],
  );
  expect(truths.every(({ result }) => result >= 0)).toBe(true);
  const events = await rig.events("file_open", truths[0]!.pid, 2);
  expect(events).toMatchObject([
    { file: { path: at("new"), created: true, inode: truths[2]!.inode, flags: expect.arrayContaining(["O_CREAT"]) } },
    { file: { path: at("newer"), created: true, inode: truths[3]!.inode, mode: "0600" } },
  ]);
  await rig.demand("file_open");
  const { truths: again } = rig.run<{ pid: number }>(OPENS, "creat", at("new"), "creat", at("newest"));
  const all = (await rig.events("file_open", again[0]!.pid, 3)).filter(({ file }) => file.path.startsWith(rig.dir));
  expect(all.map(({ file }) => [file.path, file.created])).toEqual([
    [at("new"), false],
    [at("newest"), true],
  ]);
});

test("opens of one file in a loop are one event a second with their number, where the selector says so", async () => {
  for (const name of ["loop", "other"]) writeFileSync(at(name), "");
  const match = [{ field: "file.path", op: "prefix" as const, values: [`${rig.dir}/`] }];
  await rig.demand(rig.selector("file_open", { match, rate: 1, rate_per: "file" }));
  const fifty = Array.from({ length: 50 }, () => ["open", at("loop")]).flat();
  const script = `${OPENS} ${[...fifty, "open", at("other"), "open", at("other")].join(" ")}`;
  const { truths } = rig.shell<{ pid: number }>(`${script}; exec ${OPENS} open ${at("loop")}`);
  const [first] = await rig.events("file_open", truths[0]!.pid, 2);
  expect(first).toMatchObject({ file: { path: at("loop") }, count: 1 });
  const told = (await rig.events("file_open", truths[0]!.pid, 2)).map(({ file, count }) => [file.path, count]);
  expect(told).toEqual([
    [at("loop"), 1],
    [at("other"), 1],
  ]);
  // another process has an allowance of its own
  expect((await rig.events("file_open", truths.at(-1)!.pid, 1)).map(({ count }) => count)).toEqual([1]);
  const loop = `for n in 1 2 3 4 5; do : < ${at("loop")}; done; sleep 1.1; : < ${at("loop")}; echo "{\\"pid\\":$$}" >&9`;
  const { truths: shell } = rig.shell<{ pid: number }>(loop);
  expect((await rig.events("file_open", shell[0]!.pid, 2)).map(({ count }) => count)).toEqual([1, 5]);
});

test("a fork is an event of its own where a selector asks for it: who made whom", async () => {
  await rig.demand("process_fork");
  const script = `"$@" pause 1 & echo "{\\"pid\\":$$,\\"child\\":$!}" >&9; wait`;
  const { truths } = rig.shell<{ pid: number; child?: number; way?: string }>(script, ACTS);
  const { pid, child } = truths.find((truth) => truth.child !== undefined)!;
  const events = await rig.events("process_fork", pid, 1);
  const [exec] = await rig.events("process_exec", child!, 1);
  expect(events).toMatchObject([
    { process: { pid }, child: { pid: child, binary: events[0]!.process.binary, uid: 0 }, rung: "tp_btf" },
  ]);
  expect(exec!.process.start_time).toBe(events[0]!.child.start_time);
  await rig.demand();
  const { truths: unseen } = rig.shell<{ pid: number; child?: number }>(script, ACTS);
  expect(await rig.events("process_fork", unseen.find((truth) => truth.child !== undefined)!.pid, 0)).toEqual([]);
});
