import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProcessExecRecord } from "../../agent/generated/records.ts";
import { BECOME, runTruth, statField, statusLine, TRUTH, type Truth } from "./run.ts";
import { flagsOf, Tracer } from "./tracer.ts";

const HYBRID = "/sys/fs/cgroup/unified";
const V2 = statSync(HYBRID, { throwIfNoEntry: false }) ? HYBRID : "/sys/fs/cgroup";
const CLOCK_TICK_NS = 10_000_000n;

let tracer: Tracer;
let directory: string;
let cgroup: string;

beforeAll(() => {
  tracer = new Tracer({ container_subsystem: v1Subsystem("memory") });
  directory = mkdtempSync(join(tmpdir(), "reeve-identity-"));
  cgroup = join(V2, `reeve-test-${process.pid}`);
  mkdirSync(cgroup);
});

afterAll(() => {
  tracer.close();
  rmSync(directory, { recursive: true });
  rmdirSync(cgroup);
});

/** The controller's index where it has a v1 hierarchy of its own, else -1. */
function v1Subsystem(name: string): number {
  const lines = readFileSync("/proc/cgroups", "utf8").trim().split("\n").slice(1);
  const index = lines.findIndex((line) => line.startsWith(`${name}\t`));
  return index >= 0 && lines[index]?.split("\t")[1] !== "0" ? index : -1;
}

/** Every field that /proc tells of a running process as the record has it. */
function compare(exec: ProcessExecRecord, truth: Truth): void {
  expect(exec.keyTgid).toBe(Number(statusLine(truth, "NSpid")[0]));
  expect(exec.parentTgid).toBeGreaterThan(0);
  expect((exec.keyStart / CLOCK_TICK_NS) * CLOCK_TICK_NS).toBe(BigInt(statField(truth, 22)) * CLOCK_TICK_NS);
  expect(exec.comm).toBe(statusLine(truth, "Name")[0]);
  const uids = [exec.credentialsUid, exec.credentialsEuid, exec.credentialsSuid, exec.credentialsFsuid];
  const gids = [exec.credentialsGid, exec.credentialsEgid, exec.credentialsSgid, exec.credentialsFsgid];
  expect(uids).toEqual(statusLine(truth, "Uid").map(Number));
  expect(gids).toEqual(statusLine(truth, "Gid").map(Number));
  expect(exec.credentialsAuid).toBe(Number(truth.loginuid));
  expect(exec.credentialsSecurebits).toBe(truth.securebits);
  const capabilities = {
    CapEff: exec.credentialsCapEffective,
    CapPrm: exec.credentialsCapPermitted,
    CapInh: exec.credentialsCapInheritable,
    CapBnd: exec.credentialsCapBounding,
    CapAmb: exec.credentialsCapAmbient,
  };
  const told = Object.keys(capabilities).map((name) => [name, Number.parseInt(statusLine(truth, name)[0] ?? "", 16)]);
  expect(capabilities).toEqual(Object.fromEntries(told));
  const namespaces = {
    uts: exec.namespacesUts,
    ipc: exec.namespacesIpc,
    mnt: exec.namespacesMnt,
    pid: exec.namespacesPid,
    pid_for_children: exec.namespacesPidForChildren,
    net: exec.namespacesNet,
    time: exec.namespacesTime,
    cgroup: exec.namespacesCgroup,
    user: exec.namespacesUser,
  };
  expect(namespaces).toEqual(Object.fromEntries(Object.keys(namespaces).map((name) => [name, truth[`ns_${name}`]])));
  expect(exec.fileInode).toBe(truth.inode);
  expect(`${exec.fileDeviceMajor}:${exec.fileDeviceMinor}`).toBe(truth.device);
  expect([exec.fileLinks, exec.fileUid, exec.fileGid, exec.fileMode]).toEqual([
    truth.links,
    truth.uid,
    truth.gid,
    truth.mode,
  ]);
  expect(exec.binary).toBe(truth.exe);
  expect(exec.cwd).toBe(truth.cwd);
  expect(exec.arguments).toBe(truth.cmdline);
  expect(exec.argumentsBytes).toBe(truth.cmdline.length);
}

test("a plain program", () => {
  const truth = runTruth([TRUTH, "one", "two words", ""], { cwd: "/usr/lib" });
  const exec = tracer.execOf(truth.pid);
  compare(exec, truth);
  expect(exec.parentTgid).toBe(process.pid);
  expect(exec.arguments).toBe(`${TRUTH}\0one\0two words\0\0`);
  expect(flagsOf(exec)).toEqual([]);
  expect(exec.callerTid).toBe(truth.pid);
  expect(exec.tty).toBe("");
});

test("real, effective, saved and file system ids, login, securebits", () => {
  const ids = ["auid=4711", "securebits=5", "gids=1201,1202,1203,1204", "uids=1101,1102,1103,1104"];
  const truth = runTruth([BECOME, ...ids, "--", TRUTH]);
  const exec = tracer.execOf(truth.pid);
  compare(exec, truth);
  expect([exec.credentialsUid, exec.credentialsEuid, exec.credentialsGid]).toEqual([1101, 1102, 1201]);
  expect([exec.credentialsAuid, exec.credentialsSecurebits]).toEqual([4711, 5]);
});

test("inheritable and ambient capabilities", () => {
  const truth = runTruth([BECOME, "inheritable=0x2400", "uids=1101,1101,1101,1101", "--", TRUTH]);
  const exec = tracer.execOf(truth.pid);
  compare(exec, truth);
  expect([exec.credentialsCapInheritable, exec.credentialsCapAmbient]).toEqual([0x2400, 0]);
  const kept = runTruth([BECOME, "securebits=16", "inheritable=0x2400", "--", TRUTH]);
  compare(tracer.execOf(kept.pid), kept);
  expect(tracer.execOf(kept.pid).credentialsCapAmbient).toBe(0x2400);
});

test("new namespaces of every kind", () => {
  const truth = runTruth([BECOME, "unshare", "--", TRUTH]);
  const pid = tracer.drain().execs.findLast((record) => record.binary === TRUTH)?.keyTgid ?? 0;
  const exec = tracer.execOf(pid);
  expect(truth.pid).toBe(1);
  expect(exec.namespacesNet).not.toBe(statSync("/proc/self/ns/net").ino);
  expect(exec.namespacesPid).not.toBe(statSync("/proc/self/ns/pid").ino);
  expect(exec.namespacesPid).toBe(truth["ns_pid"]);
  expect(exec.namespacesTime).toBe(truth["ns_time"]);
  expect(exec.namespacesUts).toBe(truth["ns_uts"]);
});

test("cgroup of the v2 hierarchy and of the v1 hierarchy that is asked for", () => {
  const truth = runTruth([BECOME, `cgroup=${cgroup}`, "--", TRUTH]);
  const exec = tracer.execOf(truth.pid);
  expect(exec.cgroupId).toBe(statSync(cgroup).ino);
  const path = /^\d+:memory:(.*)$/m.exec(truth.cgroup)?.[1];
  expect(exec.cgroupV1Id).toBe(path === undefined ? 0 : statSync(join("/sys/fs/cgroup/memory", path)).ino);
});

test("controlling terminal", () => {
  const truth = runTruth([BECOME, "tty", "--", TRUTH]);
  const exec = tracer.execOf(truth.pid);
  const device = statField(truth, 7);
  expect(device >> 8).toBe(136);
  expect(exec.tty).toBe(`pts${device & 0xff}`);
  expect(exec.stdioType(0)).toBe(1);
});

test("arguments up to 8 KB are whole, longer ones are marked", () => {
  const whole = runTruth([TRUTH, "x".repeat(8192 - TRUTH.length - 2)]);
  compare(tracer.execOf(whole.pid), whole);
  expect(whole.cmdline.length).toBe(8192);
  expect(flagsOf(tracer.execOf(whole.pid))).toEqual([]);
  const more = runTruth([TRUTH, ...Array.from({ length: 500 }, (_, index) => `argument-number-${index}`), "é"]);
  const exec = tracer.execOf(more.pid);
  expect(exec.argumentsBytes).toBe(more.cmdline.length);
  expect(exec.argumentsRaw.toString("latin1")).toBe(more.cmdline.slice(0, 8192));
  expect(flagsOf(exec)).toEqual(["arguments_truncated"]);
});

test("a working directory that is gone", () => {
  const truth = runTruth([
    "/bin/sh",
    "-c",
    `mkdir "${directory}/gone"; cd "${directory}/gone"; rmdir ../gone; exec ${TRUTH}`,
  ]);
  const exec = tracer.execOf(truth.pid);
  expect(exec.cwd).toBe(join(directory, "gone"));
  expect(flagsOf(exec)).toEqual(["cwd_deleted"]);
});

test("each exec of one process is told apart, and the parent's image with it", () => {
  const truth = runTruth([BECOME, "--", TRUTH]);
  const [first, second] = tracer
    .drain()
    .execs.filter((record) => record.keyTgid === truth.pid)
    .slice(-2);
  const fork = tracer.forks.find((record) => record.keyTgid === truth.pid);
  expect([first?.binary, second?.binary]).toEqual([BECOME, TRUTH]);
  // what ran before the programs were attached is not known to them
  expect([first?.previous, second?.previous]).toEqual(["", BECOME]);
  expect(second?.keyStart).toBe(first?.keyStart);
  expect(second?.keySelfExecId).toBe((first?.keySelfExecId ?? 0) + 1);
  expect(fork?.keyStart).toBe(first?.keyStart);
  expect([fork?.parentTgid, fork?.sourceTgid]).toEqual([process.pid, process.pid]);
  expect([fork?.parentStart, fork?.sourceStart]).toEqual([first?.parentStart, first?.parentStart]);
  expect([fork?.parentSelfExecId, fork?.sourceSelfExecId]).toEqual([first?.parentSelfExecId, first?.parentSelfExecId]);
  expect(fork?.keySelfExecId).toBe(first?.parentSelfExecId);
  expect(fork?.cgroupId).toBe(first?.cgroupId);
  expect(fork?.cgroupV1Id).toBe(first?.cgroupV1Id);
});
