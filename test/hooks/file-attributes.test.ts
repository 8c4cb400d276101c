import { chmodSync, chownSync, linkSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../programs/build.ts";
import { HookRig, until } from "./rig.ts";

const ACTS = buildProgram("file-acts");
const HOOKS = ["file_chmod", "file_chown", "file_truncate", "file_write"] as const;

interface Truth {
  way: string;
  pid: number;
  result: number;
  inode: number;
  device: string;
  links: number;
  uid: number;
  gid: number;
  mode: number;
  size: number;
}

let rig: HookRig;
/** Whether the hooks come before the change, and know the file. */
let known: boolean;
const at = (name: string) => join(rig.dir, name);

beforeAll(async () => {
  rig = await HookRig.start("attributes");
  await rig.demand(...HOOKS);
  known = (await rig.hook("file_chmod")).rung !== "sys_exit";
});
afterAll(() => rig.stop());

function make(name: string): string {
  writeFileSync(at(name), "0123456789");
  chownSync(at(name), 1234, 4321);
  chmodSync(at(name), 0o640);
  linkSync(at(name), at(`${name}-again`));
  return at(name);
}

const octal = (mode: number) => (mode & 0o7777).toString(8).padStart(4, "0");
const MARKS = { deleted: false, anonymous: false, unreachable: false, truncated: false };

/** What an event says of a file that the kernel knows; `changed` is what is not as it was before. */
function is(path: string, truth: Truth, changed: { mode?: number; uid?: number; gid?: number } = {}) {
  const { inode, device, links, uid, gid, mode } = { ...truth, ...changed };
  return { path, resolved: "kernel", type: "regular", mode: octal(mode), inode, device, links, uid, gid, ...MARKS };
}

/** And where only the name is. */
function named(path: string, resolved: string) {
  const nothing = { type: null, mode: null, inode: null, device: null, links: null, uid: null, gid: null };
  return { path, resolved, ...nothing, ...MARKS };
}

/** The events of a process about files of the test's own: how it entered the cgroup is a write too. */
async function eventsOf<K extends (typeof HOOKS)[number]>(hook: K, pid: number, count: number) {
  const own = async () =>
    (await rig.events(hook, pid, count)).filter((event) =>
      (event as { file: { path: string } }).file.path.startsWith(`${rig.dir}/`),
    );
  await until(async () => (await own()).length >= count);
  return own();
}

test("permission bits are told as they were asked for, and as they were", async () => {
  const [one, two, three] = ["mode-one", "mode-two", "mode-three"].map(make);
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["chmod", one!, "04755", "fchmod", two!, "0600", "fchmodat", three!, "02711"],
  );
  expect(truths.map(({ result }) => result)).toEqual([0, 0, 0]);
  const events = await rig.events("file_chmod", truths[0]!.pid, 3);
  const before = known ? "0640" : null;
  expect(events).toMatchObject([
    {
      ...{ process: { pid: truths[0]!.pid, binary: ACTS }, mode: "4755", mode_before: before, result: 0 },
      file: known ? is(one!, truths[0]!) : named(one!, "given"),
    },
    {
      ...{ mode: "0600", mode_before: before, result: 0 },
      file: is(two!, truths[1]!, known ? {} : { mode: 0o600 }),
    },
    {
      ...{ mode: "2711", mode_before: before, result: 0 },
      file: known ? is(three!, truths[2]!) : named(three!, "parent"),
    },
  ]);
});

test("owners and groups are told as they were asked for, and as they were", async () => {
  const [one, two, three] = ["owner-one", "owner-two", "owner-three"].map(make);
  symlinkSync(one!, at("owner-link"));
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["chown", one!, "33", "44", "fchown", two!, "55", "-1", "fchownat", three!, "-1", "66"],
    ...["lchown", at("owner-link"), "77", "88"],
  );
  expect(truths.map(({ result }) => result)).toEqual([0, 0, 0, 0]);
  const events = await rig.events("file_chown", truths[0]!.pid, 4);
  const before = known ? { uid_before: 1234, gid_before: 4321 } : { uid_before: null, gid_before: null };
  const link = { ...is(at("owner-link"), truths[3]!), type: "link" };
  expect(events).toMatchObject([
    { file: known ? is(one!, truths[0]!) : named(one!, "given"), uid: 33, gid: 44, ...before, result: 0 },
    { file: is(two!, truths[1]!, known ? {} : { uid: 55 }), uid: 55, gid: null, ...before, result: 0 },
    { file: known ? is(three!, truths[2]!) : named(three!, "parent"), uid: null, gid: 66, ...before, result: 0 },
    {
      ...{ file: known ? link : named(at("owner-link"), "given"), uid: 77, gid: 88, result: 0 },
      ...(known ? { uid_before: 0, gid_before: 0 } : before),
    },
  ]);
});

test("a change of length is told by each way to make one; a new file is none", async () => {
  const [one, two, three] = ["length-one", "length-two", "length-three"].map(make);
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["truncate", one!, "4", "ftruncate", two!, "4096", "empty", three!, "create", at("length-new")],
  );
  expect(truths.map(({ result }) => Math.min(result, 0))).toEqual([0, 0, 0, 0]);
  const events = await rig.events("file_truncate", truths[0]!.pid, 3);
  const length_before = known ? 10 : null;
  expect(events).toMatchObject([
    { file: known ? is(one!, truths[0]!) : named(one!, "given"), length: 4, length_before, result: 0 },
    { file: is(two!, truths[1]!), length: 4096, length_before, result: 0 },
    { file: is(three!, truths[2]!), length: 0, length_before, result: truths[2]!.result },
  ]);
});

test("writes of one process to one file are told at once, and then together", async () => {
  const [one, two] = ["written-one", "written-two"].map(make);
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["write", one!, "100", "writes", two!, "pause", "1100", "write", one!, "1", "writes", two!],
  );
  const events = await eventsOf("file_write", truths[0]!.pid, 4);
  const first = is(one!, truths[0]!);
  const second = is(two!, truths[1]!);
  expect(truths.map(({ result }) => result)).toEqual([1000, 116, 0, 10, 116]);
  expect(events).toMatchObject([
    { process: { binary: ACTS }, file: first, bytes: 10, count: 1, result: 0 },
    { file: second, bytes: 2, count: 1, result: 0 },
    { file: first, bytes: 1000, count: 100, result: 0 },
    { file: second, bytes: 114 + 2, count: 4, result: 0 },
  ]);
});

test("bits, owners and names are asked for in the kernel", async () => {
  const [one, two] = ["asked-one", "asked-two"].map(make);
  await rig.demand(
    rig.selector("file_chmod", { match: [{ field: "mode.bits", op: "mask", values: ["S_ISUID", "S_ISGID"] }] }),
    rig.selector("file_chown", { match: [{ field: "uid", op: "in", values: [0] }] }),
    rig.selector("file_truncate", { match: [{ field: "file.path", op: "in", values: [two!] }] }),
    rig.selector("file_write", { match: [{ field: "file.inode", op: "in", values: [statSync(two!).ino] }] }),
  );
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["chmod", one!, "0755", "chmod", two!, "02755", "chown", one!, "1", "1", "chown", two!, "0", "1"],
    ...["truncate", one!, "1", "truncate", two!, "1", "write", one!, "1", "write", two!, "1"],
  );
  const { pid } = truths[0]!;
  for (const hook of HOOKS)
    expect([hook, (await eventsOf(hook, pid, 1)).map(({ file }) => file.path)]).toEqual([hook, [two]]);
});

test("a deny holds where the kernel can, and is told", async () => {
  const kept = make("kept");
  const match = [{ field: "file.path", op: "in" as const, values: [kept] }];
  const denies = HOOKS.map((hook) => rig.selector(hook, { id: `deny-${hook}`, action: "deny", match }));
  const { refused } = await rig.demand(...denies, ...HOOKS);
  const { can_deny } = await rig.hook("file_chmod");
  expect(refused.length).toBe(can_deny ? 0 : HOOKS.length);
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["chmod", kept, "0777", "fchmod", kept, "0777", "chown", kept, "1", "1", "fchown", kept, "1", "1"],
    ...["truncate", kept, "5", "ftruncate", kept, "5", "empty", kept, "write", kept, "1"],
  );
  const denied = can_deny ? [-1, -1, -1, -1, -1, -1, -1, -1] : [0, 0, 0, 0, 0, 0, expect.any(Number), 10];
  expect(truths.map(({ result }) => result)).toEqual(denied);
  expect(octal(statSync(kept).mode)).toBe(can_deny ? "0640" : "0777");
  expect(readFileSync(kept, "utf8")).toBe("0123456789");
  const { pid } = truths[0]!;
  const results = async (hook: (typeof HOOKS)[number], count: number) =>
    (await eventsOf(hook, pid, count)).map(({ result }) => Math.min(result ?? 1, 0));
  const result = can_deny ? -1 : 0;
  expect(await results("file_chmod", 2)).toEqual([result, result]);
  expect(await results("file_chown", 2)).toEqual([result, result]);
  expect(await results("file_truncate", 3)).toEqual([result, result, result]);
  expect(await results("file_write", 1)).toEqual([result]);
  const denials = await rig.events("denial", pid, can_deny ? 8 : 0);
  expect(denials.map(({ hook, file }) => [hook, file?.path])).toEqual(
    (can_deny
      ? [
          "file_chmod",
          "file_chmod",
          "file_chown",
          "file_chown",
          "file_truncate",
          "file_truncate",
          "file_truncate",
          "file_write",
        ]
      : []
    ).map((hook) => [hook, kept]),
  );
});
