import { chmodSync, chownSync, copyFileSync, linkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const MEMORY = buildProgram("exec-memory");
const HOOKS = ["file_mmap", "memory_protect"] as const;

interface Truth {
  way: string;
  pid: number;
  result: number;
  address: string;
  length: number;
  offset: number;
  inode: number;
  device: string;
  links: number;
  uid: number;
  gid: number;
  mode: number;
}

let rig: HookRig;
let library: string;
beforeAll(async () => {
  rig = await HookRig.start("memory");
  library = join(rig.dir, "library.so");
  copyFileSync(MEMORY, library);
  chownSync(library, 1234, 4321);
  chmodSync(library, 0o751);
  linkSync(library, `${library}.1`);
});
afterAll(() => rig.stop());

function is(truth: Truth) {
  const { inode, device, links, uid, gid, mode } = truth;
  return {
    ...{ path: library, resolved: "kernel", type: "regular", mode: (mode & 0o7777).toString(8).padStart(4, "0") },
    ...{ inode, device, links, uid, gid, deleted: false, anonymous: false, unreachable: false, truncated: false },
  };
}

test("memory that is to be executed is told: of what file, where, how", async () => {
  await rig.demand(...HOOKS);
  const { truths } = rig.run<Truth>(
    MEMORY,
    ...["library", library, "data", library, "anonymous", "protect", "protect-file", library],
  );
  expect(truths.map(({ result }) => result)).toEqual([0, 0, 0, 0, 0]);
  const [loaded, , anonymous, made, changed] = truths as [Truth, Truth, Truth, Truth, Truth];
  // the program's own libraries come first
  const events = (await rig.events("file_mmap", loaded.pid, 3)).slice(-2);
  const all = await rig.events("file_mmap", loaded.pid, 3);
  expect(all.some(({ file }) => /\/libc\.so/.test(file?.path ?? ""))).toBe(true);
  expect(all.map(({ file }) => file?.path)).not.toContain(MEMORY);
  expect(events).toMatchObject([
    {
      ...{ process: { pid: loaded.pid, binary: MEMORY }, anonymous: false, file: is(loaded), result: 0 },
      ...{ address: loaded.address, length: 8192, offset: 4096 },
      ...{ protection: ["PROT_READ", "PROT_EXEC"], flags: ["MAP_PRIVATE"] },
    },
    {
      ...{ file: null, anonymous: true, address: anonymous.address, length: 12288, offset: 0, result: 0 },
      ...{ protection: ["PROT_READ", "PROT_WRITE", "PROT_EXEC"], flags: ["MAP_PRIVATE", "MAP_ANONYMOUS"] },
    },
  ]);
  expect(await rig.events("memory_protect", loaded.pid, 2)).toMatchObject([
    {
      ...{ process: { binary: MEMORY }, file: null, anonymous: true, address: made.address, length: 4096 },
      ...{ protection: ["PROT_READ", "PROT_EXEC"], result: 0 },
    },
    {
      ...{ file: is(changed), anonymous: false, address: changed.address, length: 4096 },
      ...{ protection: ["PROT_READ", "PROT_EXEC"], result: 0 },
    },
  ]);
});

test("memory of no file, and a file by its path, are asked for in the kernel", async () => {
  const anonymous = [{ field: "anonymous", op: "in" as const, values: ["true"] }];
  const writable = [{ field: "memory.protection", op: "mask" as const, values: ["PROT_WRITE"] }];
  const path = [{ field: "file.path", op: "in" as const, values: [library] }];
  await rig.demand(
    rig.selector("file_mmap", { id: "anonymous", match: [...anonymous, ...writable] }),
    rig.selector("memory_protect", { match: path }),
  );
  const { truths } = rig.run<Truth>(MEMORY, ...["library", library, "anonymous", "protect", "protect-file", library]);
  const { pid } = truths[0]!;
  expect((await rig.events("file_mmap", pid, 1)).map(({ anonymous: none }) => none)).toEqual([true]);
  expect((await rig.events("memory_protect", pid, 1)).map(({ file }) => file?.path)).toEqual([library]);
});

test("a deny holds where the kernel can, and is told", async () => {
  const path = [{ field: "file.path", op: "in" as const, values: [library] }];
  const anonymous = [{ field: "anonymous", op: "in" as const, values: ["true"] }];
  const { refused } = await rig.demand(
    ...HOOKS,
    rig.selector("file_mmap", { id: "deny-library", action: "deny", match: path }),
    rig.selector("memory_protect", { id: "deny-made", action: "deny", match: anonymous }),
  );
  const { can_deny } = await rig.hook("file_mmap");
  expect(refused.length).toBe(can_deny ? 0 : 2);
  const { truths } = rig.run<Truth>(
    MEMORY,
    ...["library", library, "data", library, "anonymous", "protect", "protect-file", library],
  );
  const denied = can_deny ? -1 : 0;
  expect(truths.map(({ result }) => result)).toEqual([denied, 0, 0, denied, 0]);
  const { pid } = truths[0]!;
  expect((await rig.events("file_mmap", pid, 3)).at(-2)).toMatchObject({
    ...{ file: { path: library }, result: denied, address: truths[0]!.address },
  });
  expect((await rig.events("memory_protect", pid, 2)).map(({ result }) => result)).toEqual([denied, 0]);
  const denials = await rig.events("denial", pid, can_deny ? 2 : 0);
  expect(denials.map(({ selector, file }) => [selector, file?.path ?? null])).toEqual(
    can_deny
      ? [
          ["deny-library", library],
          ["deny-made", null],
        ]
      : [],
  );
});
