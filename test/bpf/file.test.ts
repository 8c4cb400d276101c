import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../programs/build.ts";
import { BECOME, MEMFD, run, runTruth, statusLine, TRUTH } from "./run.ts";
import { flagsOf, Tracer } from "./tracer.ts";

let tracer: Tracer;
let directory: string;

beforeAll(() => {
  tracer = new Tracer();
  directory = mkdtempSync(join(tmpdir(), "reeve-file-"));
  chmodSync(directory, 0o755);
});

afterAll(() => {
  tracer.close();
  rmSync(directory, { recursive: true });
});

/** A copy of truth of its own. */
function copy(name: string): string {
  const path = join(directory, name);
  copyFileSync(TRUTH, path);
  return path;
}

test("hard links and a symbolic link: the binary is what the kernel runs", () => {
  const path = copy("linked");
  linkSync(path, `${path}-2`);
  linkSync(path, `${path}-3`);
  symlinkSync(path, `${path}-symbolic`);
  const exec = tracer.execOf(runTruth([`${path}-symbolic`]).pid);
  expect(exec.binary).toBe(path);
  expect(exec.fileLinks).toBe(3);
  expect(exec.fileInode).toBe(statSync(path).ino);
});

test("a set-id binary raises privileges", () => {
  const path = copy("set-id");
  chownSync(path, 1301, 1302);
  chmodSync(path, 0o6755);
  const truth = runTruth([BECOME, "gids=1402,1402,1402,1402", "uids=1401,1401,1401,1401", "--", path]);
  const exec = tracer.execOf(truth.pid);
  expect([exec.fileUid, exec.fileGid, exec.fileMode.toString(8)]).toEqual([1301, 1302, "106755"]);
  expect([exec.credentialsUid, exec.credentialsEuid]).toEqual([1401, 1301]);
  expect([exec.credentialsGid, exec.credentialsEgid]).toEqual([1402, 1302]);
  expect(statusLine(truth, "Uid").map(Number)).toEqual([1401, 1301, 1301, 1301]);
  expect(flagsOf(exec)).toEqual(["privileges_raised"]);
});

test("a file that lies in memory only", () => {
  const truth = runTruth([MEMFD, TRUTH, "argument"]);
  const exec = tracer.execOf(truth.pid);
  expect(exec.binary).toBe("/memfd:payload");
  expect(truth.exe).toBe("/memfd:payload (deleted)");
  expect(exec.fileLinks).toBe(0);
  expect(exec.fileInode).toBe(truth.inode);
  expect(exec.arguments).toBe(`${TRUTH}\0argument\0`);
  expect(flagsOf(exec)).toEqual(["binary_deleted", "memfd"]);
});

test("a binary whose name is gone", () => {
  const path = copy("deleted");
  const script = `exec 5<"${path}"; rm "${path}"; exec /proc/self/fd/5`;
  const truth = runTruth(["/bin/sh", "-c", script]);
  const exec = tracer.execOf(truth.pid);
  expect(exec.binary).toBe(path);
  expect(truth.exe).toBe(`${path} (deleted)`);
  expect(flagsOf(exec)).toEqual(["binary_deleted"]);
});

test("a file that was mounted by itself and is mounted no more, as runc runs itself, is not in memory only", () => {
  const path = copy("detached");
  const mounted = copy("mounted");
  const script = `mount --bind "${path}" "${mounted}"; exec 5<"${mounted}"; umount -l "${mounted}"; exec /proc/self/fd/5`;
  const exec = tracer.execOf(runTruth(["unshare", "-m", "/bin/sh", "-c", script]).pid);
  expect(exec.binary).toBe("/detached");
  expect(flagsOf(exec)).toEqual(["binary_unreachable"]);
});

test("a script is told beside its interpreter", () => {
  const script = join(directory, "script");
  writeFileSync(script, `#!${TRUTH} with argument\n`);
  chmodSync(script, 0o755);
  const exec = tracer.execOf(runTruth([script, "own"]).pid);
  expect([exec.binary, exec.script]).toEqual([TRUTH, script]);
  expect(exec.arguments).toBe(`${TRUTH}\0with argument\0${script}\0own\0`);
  expect(flagsOf(exec)).toEqual(["interpreted"]);
  const relative = tracer.execOf(runTruth(["./script"], { cwd: directory }).pid);
  expect([relative.script, relative.cwd]).toEqual(["./script", directory]);
});

test("paths across mounts, and those that a private root hides", () => {
  const mount = mkdtempSync("/dev/shm/reeve-file-");
  try {
    copyFileSync(TRUTH, join(mount, "truth"));
    chmodSync(join(mount, "truth"), 0o755);
    const exec = tracer.execOf(runTruth([join(mount, "truth")], { cwd: "/dev/shm" }).pid);
    expect([exec.binary, exec.cwd]).toEqual([join(mount, "truth"), "/dev/shm"]);
    expect(flagsOf(exec)).toEqual([]);
  } finally {
    rmSync(mount, { recursive: true });
  }
  mkdirSync(join(directory, "root"));
  copyFileSync(buildProgram("ends", { static: true }), join(directory, "root/ends"));
  const { pid, status } = run(BECOME, [`cwd=/usr/lib`, `chroot=${directory}/root`, "--", "/ends", "status", "0"]);
  expect(status).toBe(0);
  const exec = tracer.execOf(pid);
  expect([exec.binary, exec.cwd]).toEqual(["/ends", "/usr/lib"]);
  expect(flagsOf(exec)).toEqual(["cwd_unreachable"]);
});

test.each([
  ["long names", 60, 60],
  ["many names", 1, 1900],
])("a deep path of %s is whole", (_, length, count) => {
  const root = mkdtempSync(join(tmpdir(), "reeve-deep-"));
  const name = "d".repeat(length);
  // Paths longer than a system call takes: one step at a time.
  const walk = `for (let i = 0; i < ${count}; i++) { fs.mkdirSync("${name}"); process.chdir("${name}"); }
    fs.copyFileSync("${TRUTH}", "t"); process.stdout.write(String(child_process.spawnSync("./t", { stdio: Array(9).fill("ignore").concat("pipe") }).pid));`;
  try {
    const pid = Number(execFileSync(process.execPath, ["-e", walk], { cwd: root }));
    const exec = tracer.execOf(pid);
    const deep = `${root}${`/${name}`.repeat(count)}`;
    expect(exec.cwd).toBe(deep);
    expect(exec.binary).toBe(`${deep}/t`);
    expect(flagsOf(exec)).toEqual([]);
  } finally {
    execFileSync("rm", ["-rf", root]);
  }
});

test("a path of more than 4 KB keeps its end and is marked", () => {
  const root = mkdtempSync(join(tmpdir(), "reeve-deep-"));
  const name = "d".repeat(200);
  const walk = `for (let i = 0; i < 30; i++) { fs.mkdirSync("${name}"); process.chdir("${name}"); }
    fs.copyFileSync("/bin/true", "t"); process.stdout.write(String(child_process.spawnSync("./t").pid));`;
  try {
    const exec = tracer.execOf(Number(execFileSync(process.execPath, ["-e", walk], { cwd: root })));
    expect(exec.binary.endsWith(`/${name}/${name}/t`)).toBe(true);
    expect(exec.binary.length).toBeGreaterThan(3800);
    expect(flagsOf(exec)).toEqual(["binary_truncated", "cwd_truncated"]);
  } finally {
    execFileSync("rm", ["-rf", root]);
  }
});

test("what lies in an overlay's upper layer is marked", () => {
  const layers = mkdtempSync("/dev/shm/reeve-overlay-");
  const at = (name: string) => join(layers, name);
  for (const name of ["lower", "upper", "work", "merged"]) mkdirSync(at(name));
  copyFileSync(TRUTH, at("lower/image"));
  const options = `lowerdir=${at("lower")},upperdir=${at("upper")},workdir=${at("work")}`;
  const mounted = spawnSync("mount", ["-t", "overlay", "overlay", "-o", options, at("merged")]);
  try {
    expect(String(mounted.stderr)).toBe("");
    copyFileSync(TRUTH, at("merged/dropped"));
    const image = tracer.execOf(runTruth([at("merged/image")]).pid);
    const dropped = tracer.execOf(runTruth([at("merged/dropped")]).pid);
    expect([image.binary, flagsOf(image)]).toEqual([at("merged/image"), []]);
    expect([dropped.binary, flagsOf(dropped)]).toEqual([at("merged/dropped"), ["upper"]]);
    expect(dropped.fileInode).toBe(statSync(at("merged/dropped")).ino);
  } finally {
    spawnSync("umount", [at("merged")]);
    rmSync(layers, { recursive: true });
  }
});
