import { chmodSync, chownSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ActedFile } from "../../bus/generated/events.ts";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const ACTS = buildProgram("file-acts");
const HOOKS = ["file_unlink", "file_mkdir", "file_rename", "file_link", "file_symlink"] as const;

interface Truth {
  way: string;
  pid: number;
  result: number;
  inode?: number;
  device?: string;
  links?: number;
  uid?: number;
  gid?: number;
  mode?: number;
}

let rig: HookRig;
/** Whether events tell what a file is although its name is gone: not at the end of the system call. */
let known: boolean;
const at = (name: string) => join(rig.dir, name);

beforeAll(async () => {
  rig = await HookRig.start("files");
  mkdirSync(at("dir"));
  mkdirSync(at("dir/below"));
  symlinkSync("dir", at("way"));
  await rig.demand(...HOOKS);
  known = (await rig.hook("file_unlink")).rung !== "sys_exit";
});
afterAll(() => rig.stop());

/** A file with an owner, group, mode and number of links that are its own. */
function make(name: string): string {
  writeFileSync(at(name), name);
  chownSync(at(name), 1234, 4321);
  chmodSync(at(name), 0o640);
  linkSync(at(name), at(`${name}-again`));
  return at(name);
}

const TYPES: Record<number, string> = { 0o10: "regular", 0o4: "directory", 0o12: "link" };

/** The file that an event should tell of: `resolved` is how where the kernel does not know it. */
function file(path: string, truth: Truth, resolved: string): ActedFile {
  const marks = { deleted: false, anonymous: false, unreachable: false, truncated: false };
  const nothing = { type: null, mode: null, inode: null, device: null, links: null, uid: null, gid: null };
  const { inode, device, links, uid, gid } = truth;
  const is = {
    ...{ inode, device, links, uid, gid, type: TYPES[truth.mode! >> 12] },
    mode: (truth.mode! & 0o7777).toString(8).padStart(4, "0"),
  };
  return {
    ...{ path, resolved: known ? "kernel" : resolved, ...marks },
    ...(known && inode !== undefined ? is : nothing),
    upper: expect.any(Boolean) as never,
  } as ActedFile;
}

test("names that are removed are told, by what they stood for where the kernel knows it", async () => {
  const paths = ["by-path", "by-fd", "by-detour"].map(make);
  mkdirSync(at("empty"), { mode: 0o2751 });
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["unlink", at("by-path"), "unlinkat", at("by-fd"), "unlink", "dir/..//./dir/below/../../by-detour"],
    ...["rmdir", "./empty", "rmdir", at("dir"), "unlink", "not-there"],
  );
  expect(truths.map(({ result }) => result)).toEqual([0, 0, 0, 0, -39, -2]);
  const events = await rig.events("file_unlink", truths[0]!.pid, known ? 5 : 4);
  // what was refused for another reason than rights is told only where the hook comes before the kernel has looked
  const told = known ? truths.slice(0, 5) : truths.slice(0, 4);
  const names = [...paths, at("empty"), at("dir")];
  const how = ["given", "parent", "given", "parent", "given"];
  expect(events).toMatchObject(
    told.map((truth, n) => ({
      process: { pid: truth.pid, binary: ACTS },
      result: truth.result,
      directory: truth.way === "rmdir",
      file: file(names[n]!, truth, how[n]!),
    })),
  );
});

test("new directories are told with the mode that the umask leaves", async () => {
  const { truths } = rig.shell<Truth>(
    `umask 027; exec "$@"`,
    ...[ACTS, "mkdir", at("made"), "0777", "mkdirat", at("dir/made"), "01755", "mkdir", "dir/below/../more", "0700"],
  );
  expect(truths.map(({ result }) => result)).toEqual([0, 0, 0]);
  const events = await rig.events("file_mkdir", truths[0]!.pid, 3);
  expect(events).toMatchObject([
    { file: file(at("made"), truths[0]!, "given"), mode: "0750", result: 0 },
    { file: file(at("dir/made"), truths[1]!, "parent"), mode: "1750", result: 0 },
    { file: file(at("dir/more"), truths[2]!, "given"), mode: "0700", result: 0 },
  ]);
});

test("renames are told with both names, flags, and what had the new name", async () => {
  const [plain, moved, other] = ["plain", "moved", "other"].map(make);
  writeFileSync(at("replaced"), "", { mode: 0o644 });
  const { truths: replaced } = rig.run<Truth>(ACTS, "chmod", at("replaced"), "0644");
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["rename", plain!, at("replaced"), "renameat2", moved!, at("dir/moved"), "1"],
    ...["renameat2", at("dir/moved"), other!, "2", "rename", "replaced", "dir/back"],
  );
  expect(truths.map(({ result }) => result)).toEqual([0, 0, 0, 0]);
  const events = await rig.events("file_rename", truths[0]!.pid, 4);
  const none = { way: "", pid: 0, result: 0 };
  const otherBefore = { ...truths[1]!, inode: expect.any(Number) as never };
  expect(events).toMatchObject([
    { file: file(plain!, truths[0]!, "given"), new_file: file(at("replaced"), replaced[0]!, "given"), flags: [] },
    {
      file: file(moved!, truths[1]!, "parent"),
      new_file: file(at("dir/moved"), none, "parent"),
      flags: ["RENAME_NOREPLACE"],
    },
    {
      file: file(at("dir/moved"), truths[2]!, "parent"),
      new_file: file(other!, otherBefore, "parent"),
      flags: ["RENAME_EXCHANGE"],
    },
    { file: file(at("replaced"), truths[3]!, "parent"), new_file: file(at("dir/back"), none, "given"), flags: [] },
  ]);
  expect(events.map(({ result }) => result)).toEqual([0, 0, 0, 0]);
});

test("hard and symbolic links are told with both ends", async () => {
  const linked = make("linked");
  const none = { way: "", pid: 0, result: 0 };
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["link", linked, at("link"), "linkat", linked, at("dir/link"), "link", linked, at("link")],
    ...["symlink", "../dir/x", at("to"), "symlinkat", "/nowhere at all", at("dir/to")],
  );
  expect(truths.map(({ result }) => result)).toEqual([0, 0, -17, 0, 0]);
  const links = await rig.events("file_link", truths[0]!.pid, 2);
  expect(links).toMatchObject([
    { file: file(linked, truths[0]!, "given"), new_file: file(at("link"), none, "given"), result: 0 },
    { file: file(linked, truths[1]!, "parent"), new_file: file(at("dir/link"), none, "parent"), result: 0 },
  ]);
  const symlinks = await rig.events("file_symlink", truths[0]!.pid, 2);
  expect(symlinks).toMatchObject([
    { file: file(at("to"), truths[3]!, "given"), link_target: "../dir/x", result: 0 },
    { file: file(at("dir/to"), truths[4]!, "parent"), link_target: "/nowhere at all", result: 0 },
  ]);
});

test("a link among the directories is followed where the kernel has done it, and said not to be where not", async () => {
  writeFileSync(at("dir/behind"), "");
  const { truths } = rig.run<Truth>(ACTS, "unlink", at("way/behind"));
  const [event] = await rig.events("file_unlink", truths[0]!.pid, 1);
  expect(event!.file).toMatchObject(
    known ? { path: at("dir/behind"), resolved: "kernel" } : { path: at("way/behind"), resolved: "given" },
  );
});

test.runIf(process.arch === "x64")("32-bit system calls are told too", async () => {
  const old = make("old");
  const { truths } = rig.run<Truth>(ACTS, "ia32-unlink", old);
  expect(truths[0]!.result).toBe(0);
  const [event] = await rig.events("file_unlink", truths[0]!.pid, 1);
  expect(event).toMatchObject({ file: file(old, truths[0]!, "given"), result: 0 });
});

test("what a user may not do is told with its refusal", async () => {
  chmodSync(rig.dir, 0o755);
  make("guarded");
  const { truths } = rig.shell<Truth>(`exec setpriv --reuid 65534 --clear-groups "$@"`, ACTS, "unlink", at("guarded"));
  expect(truths[0]!.result).toBe(-13);
  const [event] = await rig.events("file_unlink", truths[0]!.pid, 1);
  expect(event).toMatchObject({ file: file(at("guarded"), truths[0]!, "given"), result: -13 });
});

test("a long path that leads through many directories is told whole", async () => {
  const name = "d".repeat(200);
  const deep = Array.from({ length: 15 }, () => name).join("/");
  mkdirSync(at(deep), { recursive: true });
  writeFileSync(at(`${deep}/end`), "");
  const { truths } = rig.run<Truth>(ACTS, "unlink", `${"./".repeat(300)}${deep}/end`);
  expect(truths[0]!.result).toBe(0);
  const [event] = await rig.events("file_unlink", truths[0]!.pid, 1);
  expect(event!.file).toMatchObject(file(at(`${deep}/end`), truths[0]!, "given"));
});

test("the new name of a file, and what a link says, are asked for in the kernel", async () => {
  const [one, two] = ["moves-one", "moves-two"].map(make);
  const to = [{ field: "new_file.path", op: "suffix" as const, values: ["-asked"] }];
  await rig.demand(
    rig.selector("file_rename", { match: to }),
    rig.selector("file_link", { match: to }),
    rig.selector("file_symlink", { match: [{ field: "link_target", op: "prefix", values: ["../asked"] }] }),
  );
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["link", one!, at("link-not"), "link", two!, at("link-asked"), "rename", one!, at("not"), "rename", two!],
    ...[at("was-asked"), "symlink", "asked", at("s-not"), "symlink", "../asked/x", at("s")],
  );
  expect(truths.map(({ result }) => result)).toEqual([0, 0, 0, 0, 0, 0]);
  const { pid } = truths[0]!;
  expect((await rig.events("file_rename", pid, 1)).map((event) => event.new_file.path)).toEqual([at("was-asked")]);
  expect((await rig.events("file_link", pid, 1)).map((event) => event.new_file.path)).toEqual([at("link-asked")]);
  expect((await rig.events("file_symlink", pid, 1)).map((event) => event.link_target)).toEqual(["../asked/x"]);
});

test("only what a selector asks for is told, and a deny holds where the kernel can", async () => {
  for (const name of ["kept", "kept-too", "free"]) make(name);
  const match = [{ field: "file.path", op: "prefix" as const, values: [at("kept")] }];
  const denies = HOOKS.map((hook) => rig.selector(hook, { id: `deny-${hook}`, action: "deny", match }));
  const sees = HOOKS.map((hook) => rig.selector(hook, { match }));
  const { refused } = await rig.demand(...denies, ...sees);
  const { can_deny } = await rig.hook("file_unlink");
  expect(refused.length).toBe(can_deny ? 0 : HOOKS.length);
  const { truths } = rig.run<Truth>(
    ACTS,
    ...["unlink", at("free"), "unlink", at("kept"), "rename", at("kept-too"), at("gone")],
    ...["mkdir", at("kept-dir"), "0755", "symlink", "x", at("kept-link"), "link", at("kept-again"), at("another")],
  );
  const result = can_deny ? -1 : 0;
  expect(truths.map((truth) => truth.result)).toEqual([0, result, result, result, result, result]);
  const { pid } = truths[0]!;
  for (const [hook, path] of [
    ["file_unlink", at("kept")],
    ["file_rename", at("kept-too")],
    ["file_mkdir", at("kept-dir")],
    ["file_symlink", at("kept-link")],
    ["file_link", at("kept-again")],
  ] as const)
    expect((await rig.events(hook, pid, 1)).map((event) => [event.file.path, event.result])).toEqual([[path, result]]);
  const denials = await rig.events("denial", pid, can_deny ? 5 : 0);
  expect(denials.map(({ hook, file: denied }) => [hook, denied?.path])).toEqual(
    can_deny
      ? [
          ["file_unlink", at("kept")],
          ["file_rename", at("kept-too")],
          ["file_mkdir", at("kept-dir")],
          ["file_symlink", at("kept-link")],
          ["file_link", at("kept-again")],
        ]
      : [],
  );
});
