import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const CHROOTS = buildProgram("chroots");

interface Truth {
  pid: number;
  result: number;
  inode: number;
  device: string;
  links: number;
  uid: number;
  gid: number;
  mode: number;
}

let rig: HookRig;
beforeAll(async () => {
  rig = await HookRig.start("chroot");
});
afterAll(() => rig.stop());

test("each new root is told: by its path in the mount namespace, and as the kernel has it", async () => {
  const jail = join(rig.dir, "jail");
  mkdirSync(join(jail, "inner"), { recursive: true, mode: 0o2751 });
  chownSync(jail, 1234, 4321);
  await rig.demand("chroot");
  const { rung } = await rig.hook("chroot");
  const { truths } = rig.run<Truth>(CHROOTS, jail, "/inner", "/nowhere");
  expect(truths.map(({ result }) => result)).toEqual([0, 0, -2]);
  const events = await rig.events("chroot", truths[0]!.pid, 2);
  const seen = events.map(({ file: { path, inode, device, links, uid, gid, mode, type, flags }, ...event }) => [
    [event.rung, event.result, event.process.pid, event.process.binary],
    [path, inode, device, links, uid, gid, mode, type, flags],
  ]);
  expect(seen).toEqual(
    [jail, join(jail, "inner")].map((path, at) => {
      const { pid, inode, device, links, uid, gid, mode } = truths[at]!;
      return [
        [rung, 0, pid, CHROOTS],
        [path, inode, device, links, uid, gid, mode.toString(8).padStart(4, "0"), "directory", []],
      ];
    }),
  );
});

test("only what a selector asks for is told", async () => {
  const wanted = join(rig.dir, "wanted");
  for (const dir of [wanted, `${wanted}-not`]) mkdirSync(dir);
  await rig.demand(rig.selector("chroot", { match: [{ field: "file.path", op: "in", values: [wanted] }] }));
  const [other] = rig.run<Truth>(CHROOTS, `${wanted}-not`).truths;
  const [seen] = rig.run<Truth>(CHROOTS, wanted).truths;
  expect((await rig.events("chroot", seen!.pid, 1)).map(({ file }) => file.path)).toEqual([wanted]);
  expect(await rig.events("chroot", other!.pid, 0)).toEqual([]);
});

test("a deny holds where the kernel can, and is told; elsewhere it is refused with the reason", async () => {
  const root = join(rig.dir, "denied");
  mkdirSync(root);
  const match = [{ field: "file.path", op: "in" as const, values: [root] }];
  const deny = rig.selector("chroot", { id: "deny-chroot", action: "deny", match });
  const { refused } = await rig.demand("chroot", deny);
  const { can_deny } = await rig.hook("chroot");
  const [truth] = rig.run<Truth>(CHROOTS, root).truths;
  expect([truth!.result, refused.length]).toEqual(can_deny ? [-1, 0] : [0, 1]);
  const [event] = await rig.events("chroot", truth!.pid, 1);
  expect(event).toMatchObject({ result: truth!.result, file: { path: root } });
  const denials = await rig.events("denial", truth!.pid, can_deny ? 1 : 0);
  expect(denials.map(({ selector, hook, file }) => [selector, hook, file?.path])).toEqual(
    can_deny ? [["deny-chroot", "chroot", root]] : [],
  );
});
