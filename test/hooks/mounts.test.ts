import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bitNames } from "../../agent/hooks/kinds/shared/calls.ts";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const MOUNTS = buildProgram("mounts");
const FLAGS = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_BIND: 4096,
  MS_REC: 16384,
  MS_PRIVATE: 1 << 18,
  MS_RELATIME: 1 << 21,
};

interface Mounted {
  pid: number;
  call: "mount" | "move_mount";
  source: string;
  mount_point: string;
  fs_type: string;
  flags: number;
  options: string;
  result: number;
  info: string;
}

interface Pivoted {
  call: "pivot_root";
  new_root: string;
  put_old: string;
  result: number;
}

let rig: HookRig;
beforeAll(async () => {
  rig = await HookRig.start("mounts");
  for (const dir of ["tree", "bound", "new", "root/old"]) mkdirSync(join(rig.dir, dir), { recursive: true });
});
afterAll(() => rig.stop());

/** Runs the program: what it mounted, and how it changed its root. */
function run(): { mounts: Mounted[]; pivots: Pivoted[]; pid: number } {
  const { truths } = rig.run<Mounted | Pivoted>(MOUNTS);
  const mounts = truths.filter((truth) => truth.call !== "pivot_root");
  return { mounts, pivots: truths.filter((truth) => truth.call === "pivot_root"), pid: mounts[0]!.pid };
}

test("each mount is told with source, mount point, type, flags, options and result", async () => {
  await rig.demand("mount", "pivot_root");
  const { rung } = await rig.hook("mount");
  const { mounts, pid } = run();
  const events = await rig.events("mount", pid, mounts.length);
  expect(mounts.map(({ call, result }) => [call, result])).toEqual([
    ["mount", 0],
    ["mount", 0],
    ["mount", 0],
    ["mount", -19],
    ["move_mount", 0],
    ["mount", 0],
  ]);
  expect(events).toMatchObject(
    mounts.map(({ call, source, mount_point, fs_type, flags, options, result }) => {
      const told = { call, source, mount_point, fs_type, flags: bitNames(flags, FLAGS), options, result };
      return { rung, process: { binary: MOUNTS }, ...told };
    }),
  );
  // as the kernel's own table has them
  for (const { info, source, mount_point, fs_type } of mounts
    .filter((one) => one.source.startsWith("reeve-"))
    .slice(0, 1))
    expect(info).toMatch(new RegExp(` ${mount_point} .* - ${fs_type} ${source} `));
});

test("each change of the root is told with both paths as they were before, and the result", async () => {
  await rig.demand("pivot_root");
  const { rung } = await rig.hook("pivot_root");
  const { pivots, pid } = run();
  // the first new root is no mount point: EBUSY or EINVAL, by what the root is
  expect(pivots.map(({ result }) => Math.sign(result))).toEqual([-1, 0]);
  const events = await rig.events("pivot_root", pid, 2);
  expect(events).toMatchObject(
    pivots.map(({ new_root, put_old, result }) => ({ rung, new_root, put_old, result, process: { pid } })),
  );
});

test("only what a selector asks for is told: by mount point, flags, call and new root", async () => {
  const seen = async (match: Parameters<HookRig["selector"]>[1]) => {
    await rig.demand(rig.selector("mount", match));
    const { pid } = run();
    return (await rig.events("mount", pid, 1)).map(({ source }) => source);
  };
  expect(await seen({ match: [{ field: "mount_point", op: "suffix", values: ["/bound"] }] })).toEqual(["tree"]);
  expect(await seen({ match: [{ field: "flags", op: "mask", values: ["MS_NODEV"] }] })).toEqual(["reeve-tmpfs"]);
  expect(await seen({ match: [{ field: "call", op: "in", values: ["move_mount"] }] })).toEqual(["reeve-new"]);
  const other = [{ field: "new_root", op: "in" as const, values: ["/srv"] }];
  await rig.demand("mount", rig.selector("pivot_root", { match: other }));
  const { mounts, pid } = run();
  expect(await rig.events("mount", pid, mounts.length)).toHaveLength(mounts.length);
  expect(await rig.events("pivot_root", pid, 0)).toEqual([]);
});

test("denies hold where the kernel can, and are told", async () => {
  const below = [{ field: "mount_point", op: "suffix" as const, values: ["/bound", "/new"] }];
  const denies = [
    rig.selector("mount", { id: "deny-mount", action: "deny", match: below }),
    rig.selector("pivot_root", { id: "deny-pivot", action: "deny" }),
  ];
  const { refused } = await rig.demand("mount", "pivot_root", ...denies);
  const { can_deny } = await rig.hook("mount");
  expect(refused.length).toBe(can_deny ? 0 : 2);
  const { mounts, pivots, pid } = run();
  expect(mounts.map(({ result }) => result)).toEqual(can_deny ? [0, 0, -1, -19, -1, 0] : [0, 0, 0, -19, 0, 0]);
  expect(pivots.map(({ result }) => result === -1)).toEqual([can_deny, can_deny]);
  const events = await rig.events("mount", pid, mounts.length);
  expect(events.map(({ result }) => result)).toEqual(mounts.map(({ result }) => result));
  const denials = await rig.events("denial", pid, can_deny ? 4 : 0);
  expect(denials.map(({ selector }) => selector)).toEqual(
    can_deny ? ["deny-mount", "deny-mount", "deny-pivot", "deny-pivot"] : [],
  );
});
