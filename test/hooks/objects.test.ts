import { chmodSync, chownSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hook, Selector } from "../../bus/types/selector.ts";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const OBJECTS = buildProgram("objects");
const KINDS = ["bpf_load", "keyring", "userfaultfd", "module_load"] as const;
const MEMFDS = buildProgram("memfds");
const EPERM = -1;
const EBUSY = -16;

interface Truth {
  kind: (typeof KINDS)[number];
  pid: number;
  result: number;
  [more: string]: string | number;
}

interface Memfd {
  pid: number;
  name: string;
  result: number;
  link: string;
  inode: number;
  device: string;
  mode: number;
}

let rig: HookRig;
let module: string;
beforeAll(async () => {
  rig = await HookRig.start("objects");
  module = join(rig.dir, "module.ko");
  writeFileSync(module, "no module at all");
  chmodSync(module, 0o640);
  chownSync(module, 1234, 4321);
});
afterAll(() => rig.stop());

/** What each kind's calls were, in their order. */
function run() {
  const { truths } = rig.run<Truth>(OBJECTS, module);
  const of = (kind: Truth["kind"]) => truths.filter((truth) => truth.kind === kind);
  return { pid: truths[0]!.pid, of };
}

const orNull = (value: string | number | undefined) =>
  value === "" || value === 0 || value === undefined ? null : value;

test("each program, map and BTF that is loaded is told, and each that is refused", async () => {
  await rig.demand("bpf_load");
  const { rung } = await rig.hook("bpf_load");
  const { pid, of } = run();
  const truths = of("bpf_load");
  expect(truths.map(({ result }) => Math.sign(result))).toEqual([1, 1, -1, -1]);
  const nothing = {
    name: null,
    map_type: null,
    program_type: null,
    attach_type: null,
    key_size: 0,
    value_size: 0,
    flags: 0,
  };
  const map = { ...nothing, name: "reeve_map", map_type: "hash", key_size: 4, value_size: 24, flags: 1 };
  const attach_type = "cgroup_inet_egress";
  const program = { ...nothing, name: "reeve_program", program_type: "cgroup_skb", attach_type };
  expect(await rig.events("bpf_load", pid, 4)).toMatchObject(
    [map, program, nothing, { ...nothing, map_type: "9999" }].map((more, at) => {
      const { command, object_id, size, result } = truths[at]!;
      return Object.assign({ rung, command, object_id: orNull(object_id), size, result }, more);
    }),
  );
});

test("each use of keys is told", async () => {
  await rig.demand("keyring");
  const { rung } = await rig.hook("keyring");
  const { pid, of } = run();
  const truths = of("keyring");
  const operations = [null, "KEYCTL_READ", null, "KEYCTL_CLEAR", "999"];
  const keyrings = ["process", null, "process", "process", null];
  expect(truths.map(({ result }) => Math.sign(result))).toEqual([1, 1, -1, 0, -1]);
  expect(await rig.events("keyring", pid, 5)).toMatchObject(
    truths.map(({ call, key, key_type, description, payload_bytes, result }, at) => {
      const texts = { key_type: orNull(key_type), description: orNull(description) };
      const named = { operation: operations[at], keyring: keyrings[at] };
      return Object.assign({ rung, call, key, payload_bytes, result }, texts, named);
    }),
  );
});

test("page faults that a process handles itself and modules that it loads are told", async () => {
  await rig.demand("userfaultfd", "module_load");
  const { rung } = await rig.hook("userfaultfd");
  const { pid, of } = run();
  const faults = of("userfaultfd").map(({ result }, at) => ({
    rung,
    result,
    flags: [["UFFD_USER_MODE_ONLY", "O_CLOEXEC"], ["0x2"]][at],
  }));
  expect(faults.map(({ result }) => Math.sign(result))).toEqual([1, -1]);
  expect(await rig.events("userfaultfd", pid, 2)).toMatchObject(faults);
  const [data, file] = of("module_load");
  const like = (truth: Truth) => ({
    call: truth["call"],
    arguments: truth["arguments"],
    size: truth["size"],
    result: truth.result,
  });
  expect(await rig.events("module_load", pid, 2)).toMatchObject([
    { ...like(data!), name: null, flags: [], file: null },
    {
      ...like(file!),
      name: null,
      flags: ["MODULE_INIT_IGNORE_MODVERSIONS", "MODULE_INIT_IGNORE_VERMAGIC"],
      file: { path: module, inode: file!["inode"], mode: "0640", uid: 1234, gid: 4321, type: "regular" },
    },
  ]);
});

/** A module that the guest has, under another name: its file system is there already, so that it is taken and then fails. */
function renamedOverlay(): string {
  const path = join(rig.dir, "renamed.ko");
  const image = readFileSync(join(import.meta.dirname, `../../.reeve/guests/${process.env["REEVE_GUEST"]}/overlay.ko`));
  const room = Buffer.concat([Buffer.from("overlay"), Buffer.alloc(41)]);
  const at = image.indexOf(room);
  expect([at >= 0, image.indexOf(room, at + 1)]).toEqual([true, -1]);
  image.write("renamed", at);
  // unsigned: what is no longer what was signed is refused
  writeFileSync(path, image.subarray(0, image.indexOf("~Module signature appended~")));
  return path;
}

test("a module that the kernel takes is told by its own name", async (context) => {
  context.skip(process.env["REEVE_GUEST"] === undefined, "only a guest may be given a module");
  const path = renamedOverlay();
  await rig.demand("module_load");
  const { truths } = rig.run<Truth>(OBJECTS, path, "0");
  const truth = truths.at(-1)!;
  const [, event] = await rig.events("module_load", truth.pid, 2);
  expect(truth.result).toBe(EBUSY);
  expect(event).toMatchObject({ name: "renamed", result: EBUSY, size: truth["size"], flags: [], file: { path } });
});

test("only what a selector asks for is told", async () => {
  const ask = (hook: Hook, field: string, op: "in" | "mask", values: string[]): Selector =>
    rig.selector(hook, { match: [{ field, op, values }] });
  await rig.demand(
    ask("bpf_load", "program_type", "in", ["cgroup_skb", "kprobe"]),
    ask("keyring", "operation", "in", ["KEYCTL_CLEAR"]),
    ask("userfaultfd", "flags", "mask", ["UFFD_USER_MODE_ONLY"]),
    ask("module_load", "call", "in", ["finit_module"]),
  );
  const { pid } = run();
  expect((await rig.events("bpf_load", pid, 1)).map(({ name }) => name)).toEqual(["reeve_program"]);
  expect((await rig.events("keyring", pid, 1)).map(({ operation }) => operation)).toEqual(["KEYCTL_CLEAR"]);
  expect((await rig.events("userfaultfd", pid, 1)).map(({ result }) => (result ?? 0) > 0)).toEqual([true]);
  expect((await rig.events("module_load", pid, 1)).map(({ file }) => file?.path)).toEqual([module]);
  await rig.demand(ask("bpf_load", "map_type", "in", ["hash"]), ask("keyring", "call", "in", ["request_key"]));
  const other = run();
  expect((await rig.events("bpf_load", other.pid, 1)).map(({ name }) => name)).toEqual(["reeve_map"]);
  expect((await rig.events("keyring", other.pid, 1)).map(({ key_type }) => key_type)).toEqual(["user"]);
});

test("denies hold where the kernel can, and are told", async () => {
  const path = [{ field: "file.path", op: "in" as const, values: [module] }];
  const denies = KINDS.map((hook) => {
    return rig.selector(hook, { id: `deny-${hook}`, action: "deny", match: hook === "module_load" ? path : [] });
  });
  const { refused } = await rig.demand(...KINDS, ...denies);
  const { can_deny } = await rig.hook("bpf_load");
  expect(refused.length).toBe(can_deny ? 0 : KINDS.length);
  const { pid, of } = run();
  const denied = (kind: Truth["kind"]) => of(kind).filter(({ result }) => result === EPERM).length;
  const all = { bpf_load: 4, keyring: 2, userfaultfd: 1, module_load: 2 };
  for (const kind of KINDS) expect([kind, denied(kind) >= (can_deny ? all[kind] - 1 : 0)]).toEqual([kind, true]);
  for (const kind of KINDS) {
    const events = await rig.events(kind, pid, of(kind).length);
    expect(events.map(({ result }) => result)).toEqual(of(kind).map(({ result }) => result));
  }
  const denials = await rig.events("denial", pid, can_deny ? 6 : 0);
  expect(new Set(denials.map(({ hook }) => hook))).toEqual(new Set(can_deny ? KINDS : []));
});

test("each file in memory is told as the kernel has it, and each call that made none", async () => {
  await rig.demand("memfd_create");
  const { rung } = await rig.hook("memfd_create");
  const { truths } = rig.run<Memfd>(MEMFDS);
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

test("files in memory: only what a selector asks for is told: by path and by flags", async () => {
  const seen = async (match: Parameters<HookRig["selector"]>[1]) => {
    await rig.demand(rig.selector("memfd_create", match));
    const { pid } = rig.run<Memfd>(MEMFDS).truths[0]!;
    return (await rig.events("memfd_create", pid, 1)).map(({ name }) => name);
  };
  const path = { field: "file.path", op: "prefix" as const, values: ["/memfd:with"] };
  // what was not made has no path: it counts as matching
  expect(await seen({ match: [path, { field: "flags", op: "mask", values: ["MFD_ALLOW_SEALING"] }] })).toEqual([
    "with / and ä",
  ]);
  expect(await seen({ match: [{ field: "flags", op: "mask", values: ["MFD_CLOEXEC"] }] })).toEqual(["payload"]);
});
