import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BpfObject, SharedMaps } from "../../../agent/kernel/object.ts";
import { redactor } from "../../../agent/process/arguments.ts";
import { seedFromProc, seedFromRecords } from "../../../agent/process/seed.ts";
import { type Key, ProcessTable } from "../../../agent/process/table.ts";

const redact = redactor(["password=(\\S+)"]);
const table = (): ProcessTable => new ProcessTable({ max: 4096 });
let parent: ChildProcess;
let pid: number;

// A shell and its child, of which no exec record will ever tell.
beforeAll(async () => {
  const script = "env -C /usr sleep 1000 & echo $!; wait";
  parent = spawn("bash", ["-c", script, "name", "password=secret"], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(parent.stdout!, "data")) as [Buffer];
  pid = Number(String(line));
  await until(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sleep"));
});
afterAll(async () => {
  process.kill(pid, "SIGKILL");
  await once(parent, "exit");
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 500) throw new Error("waited in vain");
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

/** What the kernel's iterator lists by this program. */
function records(program: string): Uint8Array {
  const object = BpfObject.open(join(import.meta.dirname, "../../../bpf/out/seed.bpf.o"), {
    maps: new SharedMaps(),
    autoload: (name) => name === program,
  });
  object.load();
  try {
    return object.readIterator(program);
  } finally {
    object.close();
  }
}

/** Both processes as the table has them. */
function expectBoth(seeded: ProcessTable): void {
  const child = seeded.current(pid);
  expect(child).toMatchObject({
    origin: "seed",
    image: { binary: expect.stringMatching(/\/sleep$/), arguments: "1000", cwd: "/usr", uid: 0 },
  });
  expect(child?.parent).toBe(seeded.current(parent.pid!));
  expect(child?.parent?.image).toMatchObject({
    binary: expect.stringMatching(/\/bash$/),
    arguments: expect.stringMatching(/ name password=\*\*\*\*\*$/),
  });
}

test("by the iterator that reads arguments", () => {
  const seeded = table();
  expect(seedFromRecords(records("seed_with_arguments"), seeded, redact)).toBeGreaterThan(2);
  expectBoth(seeded);
});

test("by the iterator of kernels before 5.18, which cannot: they come from procfs", () => {
  const seeded = table();
  expect(seedFromRecords(records("seed_without_arguments"), seeded, redact, "/proc")).toBeGreaterThan(2);
  expectBoth(seeded);
  // What it must not take: the arguments of whoever has the pid by then.
  const proc = mkdtempSync(join(tmpdir(), "reeve-proc-"));
  try {
    mkdirSync(join(proc, String(pid)));
    writeFileSync(join(proc, String(pid), "cmdline"), "other\0of another process\0");
    writeFileSync(join(proc, String(pid), "stat"), stat({ pid, name: "sleep", parent: 1, ticks: 77 }));
    const other = table();
    seedFromRecords(records("seed_without_arguments"), other, redact, proc);
    expect(other.current(pid)?.image).toMatchObject({ arguments: "" });
  } finally {
    rmSync(proc, { recursive: true });
  }
});

test("by procfs alone, until a record of the kernel tells the exact start", () => {
  const exact = table();
  seedFromRecords(records("seed_with_arguments"), exact, redact);
  const start = exact.current(pid)!.start;
  const seeded = table();
  expect(seedFromProc(seeded, redact)).toBeGreaterThan(2);
  expectBoth(seeded);
  const entry = seeded.current(pid)!;
  expect(entry).toMatchObject({ approximate: true, selfExecId: -1 });
  expect(seeded.find(pid, start + 1_000_000_000n)).toBeUndefined();
  expect(seeded.find(pid, start)).toBe(entry);
  expect(entry).toMatchObject({ approximate: false, start });
});

test("procfs adds only what the table does not know", () => {
  const seeded = table();
  seedFromRecords(records("seed_with_arguments"), seeded, redact);
  const known = seeded.current(pid);
  seedFromProc(seeded, redact);
  expect(seeded.current(pid)).toBe(known);
});

const stat = (p: { pid: number; name: string; parent: number; ticks: number }): string =>
  `${p.pid} (${p.name}) S ${p.parent} ${"0 ".repeat(17)}${p.ticks} 0 0\n`;

test.each([
  { name: "a) S 99 (b", binary: "/bin/odd", exe: "/bin/odd", says: "with parentheses in its name" },
  { name: "gone", binary: "/bin/gone", exe: "/bin/gone (deleted)", says: "whose file is gone" },
  { name: "kthreadd", binary: "", exe: undefined, says: "of the kernel" },
])("a process $says", ({ name, binary, exe }) => {
  const proc = mkdtempSync(join(tmpdir(), "reeve-proc-"));
  try {
    for (const [one, parentPid, ticks] of [
      [10, 1, 100],
      [11, 10, 200],
    ] as const) {
      const dir = join(proc, String(one));
      mkdirSync(dir);
      writeFileSync(join(dir, "stat"), stat({ pid: one, name, parent: parentPid, ticks }));
      writeFileSync(join(dir, "status"), "Name:\tx\nUid:\t7\t8\t9\t10\n");
      writeFileSync(join(dir, "cmdline"), `prog\0-x\0${one}\0`);
      writeFileSync(join(dir, "loginuid"), "1000");
      if (exe !== undefined) symlinkSync(exe, join(dir, "exe"));
    }
    // Ended between the listing and the look, and what is no process.
    mkdirSync(join(proc, "12"));
    mkdirSync(join(proc, "sys"));
    const seeded = table();
    expect(seedFromProc(seeded, (text) => text, proc)).toBe(2);
    const entry = seeded.current(11)!;
    expect(entry).toMatchObject({ start: 2_000_000_000n, image: { binary, arguments: "-x 11", uid: 7, auid: 1000 } });
    expect(entry.parent).toBe(seeded.current(10));
    const key: Key = { tgid: 11, start: 2_000_000_000n, selfExecId: 5 };
    expect(seeded.exit(key, 3_000_000_000n)).toBe(entry);
  } finally {
    rmSync(proc, { recursive: true });
  }
});
