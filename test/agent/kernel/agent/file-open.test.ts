import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cgroup2Root } from "../../../../agent/process/cgroups.ts";
import { ControllerBus } from "../../../../bus/clients/controller.ts";
import type { FileOpenEvent } from "../../../../bus/generated/events.ts";
import { desiredKey } from "../../../../bus/subjects.ts";
import type { Selector } from "../../../../bus/types/selector.ts";
import { buildProgram } from "../../../programs/build.ts";
import { programsOf, type RunningAgent, until, World } from "./harness.ts";
import { LSM } from "./rungs.ts";

const root = cgroup2Root()!;
const cgroup = `/reeve-test-files-${process.pid}`;
const KEY = desiredKey("test-files");
const OPENS = buildProgram("opens");
const OPENS_STATIC = buildProgram("opens", { static: true });
const TRUTH_FD = 9;
const RUNG = LSM ? "lsm" : "sys_exit";

let world: World;
let agent: RunningAgent;
let controller: ControllerBus;
let dir: string;
beforeAll(async () => {
  mkdirSync(join(root, cgroup));
  dir = mkdtempSync(join(tmpdir(), "reeve-opens-"));
  world = await World.start();
  controller = new ControllerBus(await world.bus.connect("controller"));
  agent = await world.agent();
});
afterAll(async () => {
  await world.stop();
  rmSync(dir, { recursive: true });
  rmdirSync(join(root, cgroup));
});

const selector = (more: Partial<Selector>): Selector => ({
  ...{ id: "see-files", hook: "file_open", action: "post", mode: "enforce", priority: 0, rate: null },
  ...{ match: [], scope: { cgroup }, because: { policy: "test/files" } },
  ...more,
});

async function put(selectors: Selector[]): Promise<void> {
  const entry = { selectors, hooks: ["file_open" as const], ttl: "none" as const };
  const revision = await controller.desired.put(KEY, { ...entry, renewedAt: new Date().toISOString() });
  // the first one loads the programs
  await until(async () => ((await world.status())?.applied_revision ?? -1) >= revision, 50_000);
}

const fileHook = async () => (await world.status())?.hooks.find(({ hook }) => hook === "file_open");

interface Truth {
  way: string;
  pid: number;
  result: number;
  link: string;
  inode: number;
  device: string;
  links: number;
  uid: number;
  gid: number;
  mode: number;
}

/** Runs a shell script in the test's cgroup; gives what test programs printed as truth. */
function run(script: string): Truth[] {
  const stdio = [...Array.from({ length: TRUTH_FD }, () => "inherit" as const), "pipe" as const];
  stdio[0] = "pipe" as never;
  const enter = `echo $$ > ${join(root, cgroup)}/cgroup.procs; ${script}`;
  const { output, status } = spawnSync("/bin/sh", ["-c", enter], { stdio, cwd: dir, input: "" });
  expect(status).toBe(0);
  return String(output[TRUTH_FD] ?? "")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Truth);
}

/** The events that a process's opens below `under` made, once there are as many as there should be. */
async function eventsOf(pid: number, count: number, under = dir): Promise<FileOpenEvent[]> {
  const find = async () =>
    (await world.events("file_open")).filter((it) => it.process.pid === pid && it.file.path.startsWith(under));
  await until(async () => (await find()).length >= count, 30_000);
  return find();
}

test("without a selector nothing is attached; with the first it is, and nothing else is touched", async () => {
  await until(async () => (await fileHook()) !== undefined);
  expect(await fileHook()).toMatchObject({ attached: false, idle: true });
  const before = programsOf(agent.pid);
  await put([selector({})]);
  expect(await fileHook()).toMatchObject({ attached: true, rung: RUNG, can_deny: LSM });
  const after = programsOf(agent.pid);
  expect(after).toEqual(expect.arrayContaining(before));
  // with LSM, one that waits for results, and one for threads that end before
  expect(after.length).toBe(before.length + (LSM ? 3 : 1));
  await put([]);
  expect(await fileHook()).toMatchObject({ attached: false, idle: true, rung: RUNG });
  expect(new Set(programsOf(agent.pid))).toEqual(new Set(before));
});

test("a deny is refused where nothing can deny, with the reason, and the others apply", async (context) => {
  context.skip(LSM, "LSM can deny: test/guests/inside/rungs has it for the rungs that cannot");
  await put([selector({}), selector({ id: "deny-files", action: "deny" })]);
  const status = (await world.status())!;
  expect(status.refused).toMatchObject([{ selector: "deny-files" }]);
  expect(status.refused[0]!.reason).toMatch(/deny is not possible at file_open by sys_exit.*possible: .*post/);
  expect(status.selectors.map(({ id }) => id)).toEqual(["see-files"]);
  expect(run(`exec ${OPENS} open /etc/hostname`)[0]!.result).toBeGreaterThanOrEqual(0);
});

/** What each way of test/programs/opens.c passes, in the order that the events have. */
const FLAGS: Record<string, string[][]> = {
  open: [["O_RDONLY"]],
  append: [["O_WRONLY", "O_APPEND", "O_CLOEXEC"]],
  write: [["O_WRONLY", "O_TRUNC"]],
  create: [["O_RDWR", "O_CREAT", "O_EXCL", "O_NOFOLLOW"]],
  creat: [["O_WRONLY", "O_CREAT", "O_TRUNC"]],
  openat2: [["O_RDWR", "O_CREAT", "O_EXCL", "O_CLOEXEC"]],
  openat: [
    ["O_RDONLY", "O_DIRECTORY", "O_PATH"],
    ["O_RDONLY", "O_NOFOLLOW"],
  ],
  directory: [["O_RDONLY", "O_NONBLOCK", "O_DIRECTORY"]],
  temporary: [["O_RDWR", "O_TMPFILE"]],
  path: [["O_RDONLY", "O_PATH"]],
  descriptor: [["O_RDONLY", "O_PATH"], ["O_RDONLY"]],
  handle: [["O_RDONLY", "O_DIRECTORY"], ["O_RDONLY"]],
  ...(process.arch === "x64" ? { ia32: [["O_WRONLY", "O_APPEND"]] } : {}),
};

test("each way to open is told with the path, flags, result and status that the kernel itself gives", async () => {
  await put([selector({})]);
  const made = new Set(["create", "creat", "openat2"]);
  const pathOf = (way: string) => (way === "directory" || way === "temporary" ? dir : join(dir, `by-${way}`));
  for (const way of Object.keys(FLAGS)) if (!made.has(way)) writeFileSync(join(dir, `by-${way}`), way);
  const ways = Object.keys(FLAGS);
  const truths = run(`umask 0; exec ${OPENS} ${ways.map((way) => `${way} ${pathOf(way)}`).join(" ")}`);
  expect(truths.map(({ way }) => way)).toEqual(ways);
  const flags = Object.values(FLAGS).flat();
  // LSM is asked about no descriptor that may do nothing, and the file does not know what the descriptor does at an exec
  const asked = flags.filter((one) => !one.includes("O_PATH")).map((one) => one.filter((flag) => flag !== "O_CLOEXEC"));
  const wanted = LSM ? asked : flags;
  const events = await eventsOf(truths[0]!.pid, wanted.length);
  expect(events.map(({ file }) => file.flags)).toEqual(wanted);
  for (const truth of truths) {
    expect([truth.way, truth.result >= 0]).toEqual([truth.way, true]);
    if (LSM && truth.way === "path") continue;
    const event = events.find(({ result }) => result === truth.result)!;
    expect(event).toMatchObject({
      rung: RUNG,
      process: { binary: OPENS, pid: truth.pid },
      file: {
        path: truth.link.replace(/ \(deleted\)$/, ""),
        mode: (truth.mode & 0o7777).toString(8).padStart(4, "0"),
        type: truth.way === "directory" ? "directory" : "regular",
        ...{ inode: truth.inode, device: truth.device, links: truth.links, uid: truth.uid, gid: truth.gid },
        ...(truth.way === "temporary" ? { deleted: true } : { deleted: false, created: made.has(truth.way) }),
        ...{ anonymous: false, unreachable: false, truncated: false },
      },
    });
  }
  expect(events.map(({ file }) => file.path)).not.toContain("");
});

test("what did not open, and what others open, is not told", async () => {
  const inside = run(`exec ${OPENS} open ${dir}/not-there create ${dir}/by-open open ${dir}/by-open`);
  expect(inside.map(({ result }) => result)).toEqual([-2, -17, expect.any(Number)]);
  const events = await eventsOf(inside[0]!.pid, 1);
  expect(events.map(({ file }) => file.path)).toEqual([join(dir, "by-open")]);
  execFileSync("cat", [join(dir, "by-append")]);
  await put([selector({ match: [{ field: "file.path", op: "prefix", values: [`${dir}/a`] }] })]);
  const [narrow] = run(`exec ${OPENS} open ${dir}/by-open open ${dir}/by-append create ${dir}/a-file`);
  await eventsOf(narrow!.pid, 1);
  const all = (await world.events("file_open")).filter(({ process: { pid } }) => pid === narrow!.pid);
  expect(all.map(({ file }) => file.path)).toEqual([join(dir, "a-file")]);
  const foreign = (await world.events("file_open")).filter((it) => it.process.cgroup.path !== cgroup);
  expect(foreign).toEqual([]);
});

test("paths are the kernel's: bind mounts, other roots, links, renamed and deleted files, files in no directory", async () => {
  await put([selector({})]);
  const at = (name: string) => join(dir, name);
  for (const name of ["jail", "jail/in", "mounted"]) mkdirSync(at(name));
  writeFileSync(at("jail/in/file"), "");
  copyFileSync(OPENS_STATIC, at("jail/opens"));
  linkSync(at("jail/in/file"), at("second-name"));
  const seen = async (script: string, under = "/") => {
    const truths = run(script);
    const { pid } = truths.at(-1)!;
    const events = await eventsOf(pid, 1, under);
    return { file: events.at(-1)!.file, truth: truths.at(-1)! };
  };

  const bound = await seen(
    `exec unshare -m sh -c 'mount --bind ${at("jail/in")} ${at("mounted")}; exec ${OPENS} open ${at("mounted/file")}'`,
    at("mounted"),
  );
  expect(bound.file).toMatchObject({ path: at("mounted/file"), unreachable: false, links: 2 });
  const jailed = await seen(`exec chroot ${at("jail")} /opens open /in/file`, "/in");
  expect(jailed.file).toMatchObject({ path: "/in/file", inode: bound.file.inode, unreachable: false });
  const linked = await seen(`exec ${OPENS} open ${at("second-name")}`, dir);
  expect(linked.file).toMatchObject({ path: at("second-name"), inode: bound.file.inode });
  renameSync(at("second-name"), at("third-name"));
  const renamed = await seen(`exec ${OPENS} open ${at("third-name")}`, dir);
  expect(renamed.file).toMatchObject({ path: at("third-name"), inode: bound.file.inode });

  const deleted = await seen(
    `echo > ${at("gone")}; exec 5<${at("gone")}; rm ${at("gone")}; exec ${OPENS} open /proc/self/fd/5`,
    dir,
  );
  expect(deleted.file).toMatchObject({ path: at("gone"), deleted: true, links: 0 });
  const outside = await seen(`exec 5<${at("third-name")}; exec chroot ${at("jail")} /opens open /proc/self/fd/5 \
    descriptor /in/file || true`);
  expect(outside.file.path).toBe("/in/file");
  const pipe = await seen(`echo | ${OPENS} open /proc/self/fd/0`, "/pipe");
  expect(pipe.file).toMatchObject({ path: "/pipefs", type: "fifo", anonymous: true, unreachable: false });
  const namespace = await seen(`exec ${OPENS} open /proc/self/ns/net`, "/ns");
  expect(namespace.file).toMatchObject({ path: "/nsfs", anonymous: true, unreachable: false });
});

test("a file of another mount namespace has a path that its process cannot name, and says so", async () => {
  const script = `
    unshare -m sh -c 'mount -t tmpfs none ${dir}/mounted; echo > ${dir}/mounted/hidden; echo ready; exec sleep 60' > ${dir}/log &
    other=$!; while ! grep -q ready ${dir}/log; do sleep 0.05; done
    ${OPENS} open /proc/$other/root${dir}/mounted/hidden; kill $other; wait $other; true`;
  const [truth] = run(script);
  const [event] = await eventsOf(truth!.pid, 1, `${dir}/mounted`);
  expect(event!.file).toMatchObject({ path: join(dir, "mounted/hidden"), unreachable: true, inode: truth!.inode });
});

test("long paths are told up to 4096 bytes; of longer ones the end", async () => {
  const name = "d".repeat(200);
  const down = (levels: number) => Array.from({ length: levels }, () => `mkdir -p ${name}; cd -P ${name};`).join(" ");
  const [long] = run(`mkdir deep; cd -P deep; ${down(15)} echo > file; exec ${OPENS} open file`);
  const whole = `${join(dir, "deep")}${`/${name}`.repeat(15)}/file`;
  expect(whole.length).toBeGreaterThan(3000);
  const [event] = await eventsOf(long!.pid, 1);
  expect(event!.file).toMatchObject({ path: whole, truncated: false });
  const [longer] = run(`cd -P deep; ${down(15)} ${down(10)} echo > file; exec ${OPENS} open file`);
  // the shell looks for its directory above, which is too long to ask for
  const isIt = ({ process: { pid }, file }: FileOpenEvent) => pid === longer!.pid && file.inode === longer!.inode;
  const find = async () => (await world.events("file_open")).find(isIt);
  await until(async () => (await find()) !== undefined);
  const { path, truncated } = (await find())!.file;
  expect(truncated).toBe(true);
  expect(path.endsWith(`${`/${name}`.repeat(19)}/file`)).toBe(true);
  expect(path.length).toBeLessThanOrEqual(4096);
});
