import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ProcessSeedRecord } from "../../agent/generated/records.ts";
import { BpfObject, SharedMaps } from "../../agent/kernel/object.ts";
import { patience } from "../pace.ts";
import { BECOME, THREADS } from "./run.ts";
import { bpfObject, flagsOf, Tracer } from "./tracer.ts";

const SLEEP = "/usr/bin/sleep";

let tracer: Tracer;
let child: ChildProcess;
let leaderless: ChildProcess;
let before: number[];
const seeds = new Map<number, ProcessSeedRecord>();

beforeAll(async () => {
  tracer = new Tracer();
  const ids = ["gids=1201,1202,1203,1204", "uids=1101,1102,1103,1104", "cwd=/usr/lib"];
  child = spawn(BECOME, ["auid=4712", ...ids, "--", SLEEP, "1000"], { stdio: ["ignore", "ignore", "inherit"] });
  await until(() => readFileSync(`/proc/${child.pid}/comm`, "utf8") === "sleep\n");
  const stdio = Array.from({ length: 10 }, () => "ignore" as const);
  leaderless = spawn(THREADS, ["leader", "0", "600000"], { stdio });
  await until(() => /^State:\tZ/m.test(readFileSync(`/proc/${leaderless.pid}/status`, "utf8")));
  before = readdirSync("/proc").map(Number).filter(Number.isInteger);
  const object = BpfObject.open(bpfObject("seed"), { maps: new SharedMaps() });
  object.load();
  const bytes = Buffer.from(object.readIterator("seed_with_arguments"));
  object.close();
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at + 4);
    const seed = new ProcessSeedRecord().at(bytes, at, length);
    seeds.set(seed.keyTgid, seed);
    at += length;
  }
});

afterAll(async () => {
  tracer.close();
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  leaderless.kill("SIGKILL");
  if (leaderless.exitCode === null && leaderless.signalCode === null) await once(leaderless, "exit");
});

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > patience(500)) throw new Error("waited in vain");
    await new Promise((done) => setTimeout(done, 10));
  }
}

/** /proc/PID/status, as long as the process is there. */
function readStatus(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return undefined;
  }
}

function seedOf(pid: number | undefined): ProcessSeedRecord {
  const seed = seeds.get(pid ?? 0);
  if (!seed) throw new Error(`${pid} was not seeded`);
  return seed;
}

test("a running process is told as its exec told it", () => {
  const seed = seedOf(child.pid);
  const exec = tracer.execOf(child.pid ?? 0);
  const same = [
    "keyTgid",
    "keyStart",
    "keySelfExecId",
    "parentTgid",
    "parentStart",
    "parentSelfExecId",
    "binary",
    "cwd",
    "arguments",
    "argumentsBytes",
    "comm",
    "tty",
    "callerTid",
    "cgroupId",
    "cgroupV1Id",
    "fileInode",
    "fileDeviceMajor",
    "fileDeviceMinor",
    "fileLinks",
    "fileUid",
    "fileGid",
    "fileMode",
    "credentialsUid",
    "credentialsGid",
    "credentialsEuid",
    "credentialsEgid",
    "credentialsSuid",
    "credentialsSgid",
    "credentialsFsuid",
    "credentialsFsgid",
    "credentialsAuid",
    "credentialsSecurebits",
    "credentialsCapEffective",
    "credentialsCapPermitted",
    "credentialsCapInheritable",
    "credentialsCapBounding",
    "credentialsCapAmbient",
    "namespacesUts",
    "namespacesIpc",
    "namespacesMnt",
    "namespacesPid",
    "namespacesPidForChildren",
    "namespacesNet",
    "namespacesTime",
    "namespacesCgroup",
    "namespacesUser",
  ] as const;
  const pick = (record: typeof seed | typeof exec) => Object.fromEntries(same.map((field) => [field, record[field]]));
  expect(pick(seed)).toEqual(pick(exec));
  expect([seed.binary, seed.arguments, seed.cwd]).toEqual([
    readlinkSync(`/proc/${child.pid}/exe`),
    `${SLEEP}\u00001000\0`,
    "/usr/lib",
  ]);
  expect([seed.credentialsUid, seed.credentialsAuid]).toEqual([1101, 4712]);
});

test("every process of /proc that still lives is there, kernel threads marked", () => {
  const missing: number[] = [];
  // some machines hide their first process from iterators
  for (const pid of before.filter((one) => one !== 1)) {
    const status = readStatus(pid);
    if (status === undefined || /^State:\tZ/m.test(status)) continue;
    const seed = seeds.get(pid);
    if (!seed) {
      missing.push(pid);
      continue;
    }
    expect(seed.parentTgid).toBe(Number(/^PPid:\t(\d+)/m.exec(status)?.[1]));
    expect(flagsOf(seed).includes("kernel_thread")).toBe(/^Kthread:\t1/m.test(status));
  }
  expect(missing).toEqual([]);
  expect(seedOf(2).comm).toBe("kthreadd");
  expect(seedOf(process.pid).arguments).toBe(readFileSync("/proc/self/cmdline", "utf8"));
});

test("a process whose leader is gone is told by a thread", () => {
  const seed = seedOf(leaderless.pid);
  expect(seed.binary).toBe(THREADS);
  expect(seed.keyStart).toBe(tracer.execOf(leaderless.pid ?? 0).keyStart);
});
