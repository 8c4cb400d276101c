import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const MEMFDS = buildProgram("memfds");

interface Truth {
  pid: number;
  name: string;
  result: number;
  link: string;
  inode: number;
  device: string;
  mode: number;
}

let rig: HookRig;
beforeAll(async () => {
  rig = await HookRig.start("memfd_create");
});
afterAll(() => rig.stop());

test("each file in memory is told as the kernel has it, and each call that made none", async () => {
  await rig.demand("memfd_create");
  const { rung } = await rig.hook("memfd_create");
  const { truths } = rig.run<Truth>(MEMFDS);
  const events = await rig.events("memfd_create", truths[0]!.pid, 3);
  expect(truths.map(({ result }) => Math.sign(result))).toEqual([1, 1, -1]);
  const flags = [["MFD_CLOEXEC"], ["MFD_ALLOW_SEALING"], ["0x4000"]];
  expect(events).toMatchObject(
    truths.map(({ name, result, link, inode, device, mode }, at) => {
      const path = link?.replace(/ \(deleted\)$/, "");
      const file = { path, inode, device, type: "regular", links: 0, anonymous: true, deleted: false };
      const made = Object.assign(file, { mode: (mode & 0o7777).toString(8).padStart(4, "0") });
      return { rung, name, flags: flags[at], result, process: { binary: MEMFDS }, file: result < 0 ? null : made };
    }),
  );
});

test("only what a selector asks for is told: by path and by flags", async () => {
  const seen = async (match: Parameters<HookRig["selector"]>[1]) => {
    await rig.demand(rig.selector("memfd_create", match));
    const { pid } = rig.run<Truth>(MEMFDS).truths[0]!;
    return (await rig.events("memfd_create", pid, 1)).map(({ name }) => name);
  };
  const path = { field: "file.path", op: "prefix" as const, values: ["/memfd:with"] };
  // what was not made has no path: it counts as matching
  expect(await seen({ match: [path, { field: "flags", op: "mask", values: ["MFD_ALLOW_SEALING"] }] })).toEqual([
    "with / and ä",
  ]);
  expect(await seen({ match: [{ field: "flags", op: "mask", values: ["MFD_CLOEXEC"] }] })).toEqual(["payload"]);
});
