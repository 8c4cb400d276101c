import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENDS, REUSE, run, runTruth, STORM, THREADS, TRUTH } from "./run.ts";
import type { RecordKind } from "../../agent/generated/records.ts";
import { many } from "../pace.ts";
import { Tracer } from "./tracer.ts";

const STORM_SIZE = many(5000, 400);

let tracer: Tracer;

beforeAll(() => {
  tracer = new Tracer();
});

afterAll(() => tracer.close());

test.each([0, 1, 42, 255])("exit status %i", (status) => {
  const { pid } = run(ENDS, ["status", String(status)]);
  const [exit, ...others] = tracer.exitsOf(pid);
  const exec = tracer.execOf(pid);
  expect(others).toEqual([]);
  expect([exit?.status, exit?.signal, exit?.coreDumped]).toEqual([status, 0, false]);
  expect([exit?.keyStart, exit?.keySelfExecId]).toEqual([exec.keyStart, exec.keySelfExecId]);
  expect(exit?.time).toBeGreaterThan(exec.time);
});

test.each([1, 9, 15])("killed by signal %i", (signal) => {
  const { pid } = run(ENDS, ["signal", String(signal)]);
  expect(tracer.exitsOf(pid).map((exit) => [exit.status, exit.signal])).toEqual([[0, signal]]);
});

test("a core dump is told", () => {
  const directory = mkdtempSync(join(tmpdir(), "reeve-core-"));
  const pattern = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
  try {
    writeFileSync("/proc/sys/kernel/core_pattern", "core");
    const [line = ""] = run(STORM, ["1", "1", ENDS], { cwd: directory }).lines;
    const [pid, status] = line.split(" ").map(Number);
    expect(status).toBe(0x80 | 6);
    expect(tracer.exitsOf(pid ?? 0).map((exit) => [exit.status, exit.signal, exit.coreDumped])).toEqual([[0, 6, true]]);
  } finally {
    writeFileSync("/proc/sys/kernel/core_pattern", pattern);
    rmSync(directory, { recursive: true });
  }
});

test("a thread that execs becomes the process", () => {
  const ran = run(THREADS, ["exec", TRUTH]);
  const thread = Number(ran.lines[0]);
  const exec = tracer.execOf(ran.pid);
  const before = tracer.execs.find((record) => record.keyTgid === ran.pid);
  expect(thread).not.toBe(ran.pid);
  expect(exec.binary).toBe(TRUTH);
  expect(exec.callerTid).toBe(thread);
  expect(exec.keyStart).toBe(before?.keyStart);
  expect(tracer.exitsOf(ran.pid).length).toBe(1);
  expect(tracer.exitsOf(thread).length).toBe(0);
  expect(tracer.exitsOf(ran.pid)[0]?.keySelfExecId).toBe(exec.keySelfExecId);
});

test("the leader goes first: the process ends with its last thread", () => {
  const { pid } = run(THREADS, ["leader", "7", "100"]);
  const exits = tracer.exitsOf(pid);
  expect(exits.map((exit) => [exit.status, exit.signal])).toEqual([[7, 0]]);
  const lived = (exits[0]?.time ?? 0n) - tracer.execOf(pid).time;
  expect(Number(lived) / 1e6).toBeGreaterThan(90);
});

test("threads that exit all at once are one exit", () => {
  const { lines } = run(THREADS, ["race", "40"]);
  expect(lines.length).toBe(40);
  for (const pid of lines.map(Number)) {
    expect(tracer.exitsOf(pid).length).toBe(1);
    // new threads are not told as processes
    expect(tracer.forks.filter((fork) => fork.keyTgid === pid).length).toBe(1);
  }
});

test("a process id that comes again is another process", () => {
  const pid = Number(run(REUSE, ["/bin/true"]).lines[0]);
  const execs = tracer.drain().execs.filter((exec) => exec.keyTgid === pid);
  const [first, second] = tracer.exitsOf(pid).slice(-2);
  expect(execs.length).toBeGreaterThanOrEqual(2);
  expect(execs.at(-1)?.keyStart).toBeGreaterThan(execs.at(-2)?.keyStart ?? 0n);
  expect([first?.keyStart, second?.keyStart]).toEqual(execs.slice(-2).map((exec) => exec.keyStart));
});

test(`${STORM_SIZE} short-lived processes: each exec and exit exactly once`, () => {
  const { lines } = run(STORM, [String(STORM_SIZE), "8", "/bin/true"]);
  const storm = tracer.execOf(run(ENDS, ["status", "0"]).pid) && tracer.execs.findLast((exec) => exec.binary === STORM);
  expect(lines.length).toBe(STORM_SIZE);
  const children = new Set(
    tracer.forks.filter((fork) => fork.parentTgid === storm?.keyTgid && fork.parentStart === storm.keyStart).map(key),
  );
  expect(children.size).toBe(STORM_SIZE);
  const execs = tracer.execs.filter((exec) => children.has(key(exec)));
  const exits = tracer.exits.filter((exit) => children.has(key(exit)));
  expect([execs.length, new Set(execs.map(key)).size]).toEqual([STORM_SIZE, STORM_SIZE]);
  expect([exits.length, new Set(exits.map(key)).size]).toEqual([STORM_SIZE, STORM_SIZE]);
  // the same pids, as often as wait() gave them
  expect(exits.map((exit) => exit.keyTgid).sort(numbers)).toEqual(
    lines.map((line) => Number.parseInt(line, 10)).sort(numbers),
  );
  expect(["process_exec", "process_clone", "process_exit"].map((kind) => tracer.lost(kind as RecordKind))).toEqual([
    0, 0, 0,
  ]);
});

test("what finds no room in the ring is counted by kind", () => {
  const small = new Tracer({}, 64 << 10);
  try {
    run(STORM, ["500", "4", "/bin/true"]);
    small.drain();
    const told = { process_exec: small.execs, process_clone: small.forks, process_exit: small.exits };
    for (const [kind, records] of Object.entries(told)) {
      const lost = small.lost(kind as RecordKind);
      expect(lost).toBeGreaterThan(0);
      // others start processes too
      expect(records.length + lost).toBeGreaterThanOrEqual(500);
      expect(records.length).toBeLessThan(500);
    }
  } finally {
    small.close();
  }
});

test("arguments are cut where the settings say", () => {
  const short = new Tracer({ argument_bytes: 10 });
  try {
    const exec = short.execOf(runTruth([TRUTH, "more"]).pid);
    expect(exec.arguments).toBe(TRUTH.slice(0, 10));
    expect(exec.argumentsBytes).toBe(TRUTH.length + 6);
  } finally {
    short.close();
  }
});

function key(record: { keyTgid: number; keyStart: bigint }): string {
  return `${record.keyTgid}/${record.keyStart}`;
}

function numbers(a: number, b: number): number {
  return a - b;
}
