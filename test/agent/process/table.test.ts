import { expect, test } from "vitest";
import type { Image } from "../../../agent/process/entry.ts";
import { type Key, ProcessTable } from "../../../agent/process/table.ts";

const key = (tgid: number, start = tgid, selfExecId = 1): Key => ({ tgid, start: BigInt(start), selfExecId });
const image = (binary: string): Image => ({ binary, arguments: "", cwd: "/", uid: 0, auid: 0, tid: 0, marks: "" });
const NOBODY = key(0, 0, 0);
const SECOND = 1_000_000_000n;

type Step = (table: ProcessTable) => void;
const seed =
  (k: Key, binary: string, parent = NOBODY): Step =>
  (table) =>
    void table.seed(k, parent, image(binary));
const fork =
  (k: Key, parent: Key, source = parent): Step =>
  (table) =>
    void table.fork(k, parent, source, k.start);
const exec =
  (k: Key, binary: string, parent: Key): Step =>
  (table) =>
    void table.exec(k, parent, image(binary), k.start);
const exit =
  (k: Key, at = k.start + SECOND): Step =>
  (table) =>
    void table.exit(k, at);
const sweep =
  (at: bigint): Step =>
  (table) =>
    table.sweep(at);

/** `pid binary origin parent's-binary` of every entry, `+` the living. */
function show(table: ProcessTable): string[] {
  return [...table.entries()]
    .map(
      (entry) =>
        `${entry.alive ? "+" : "-"}${entry.tgid}@${entry.start} ${entry.image?.binary ?? "?"} ${entry.origin} < ${entry.parent?.image?.binary ?? "?"}`,
    )
    .sort();
}

const CASES: { name: string; steps: Step[]; expect: string[] }[] = [
  {
    name: "a fork is a copy of its source, an exec replaces the image",
    steps: [seed(key(1), "init"), fork(key(10), key(1)), fork(key(11), key(10)), exec(key(11, 11, 2), "ls", key(10))],
    expect: ["+10@10 init clone < init", "+11@11 ls execve < init", "+1@1 init seed < ?"],
  },
  {
    name: "under CLONE_PARENT the parent is the source's parent",
    steps: [seed(key(1), "init"), seed(key(9), "sh", key(1)), fork(key(10), key(1), key(9))],
    expect: ["+10@10 sh clone < init", "+1@1 init seed < ?", "+9@9 sh seed < init"],
  },
  {
    name: "an exec whose fork was lost makes its process",
    steps: [seed(key(1), "init"), exec(key(12, 12, 3), "ls", key(1))],
    expect: ["+12@12 ls execve < init", "+1@1 init seed < ?"],
  },
  {
    name: "a pid that comes again is another process, and the one before is dead",
    steps: [seed(key(1), "init"), exec(key(7, 70), "old", key(1)), exec(key(7, 90), "new", key(1))],
    expect: ["+1@1 init seed < ?", "+7@90 new execve < init", "-7@70 old execve < init"],
  },
  {
    name: "a late record of the earlier process with a pid changes nothing for the later one",
    steps: [seed(key(1), "init"), exec(key(7, 90), "new", key(1)), exit(key(7, 70))],
    expect: ["+1@1 init seed < ?", "+7@90 new execve < init", "-7@70 ? unknown < ?"],
  },
  {
    name: "a parent that died before its child's exec was read is still named",
    steps: [
      seed(key(1), "init"),
      exec(key(20), "sh", key(1)),
      fork(key(21), key(20)),
      exit(key(20), 30n),
      exec(key(21, 21, 2), "ls", key(20)),
    ],
    expect: ["+1@1 init seed < ?", "+21@21 ls execve < sh", "-20@20 sh execve < init"],
  },
  {
    name: "a dead parent stays as long as a living child comes from it, then goes at once",
    steps: [
      seed(key(1), "init"),
      exec(key(20), "sh", key(1)),
      fork(key(21), key(20)),
      exit(key(20), 30n),
      sweep(30n + 10n * SECOND),
    ],
    expect: ["+1@1 init seed < ?", "+21@21 sh clone < sh", "-20@20 sh execve < init"],
  },
  {
    name: "when the child goes too, both are forgotten",
    steps: [
      seed(key(1), "init"),
      exec(key(20), "sh", key(1)),
      fork(key(21), key(20)),
      exit(key(20), 30n),
      sweep(30n + 10n * SECOND),
      exit(key(21), 50n + 10n * SECOND),
      sweep(60n + 20n * SECOND),
    ],
    expect: ["+1@1 init seed < ?"],
  },
  {
    name: "reparenting shows at the next exec, lineage stays with the source",
    steps: [
      seed(key(1), "init"),
      exec(key(20), "sh", key(1)),
      fork(key(21), key(20)),
      exit(key(20), 30n),
      exec(key(21, 21, 2), "daemon", key(1)),
    ],
    expect: ["+1@1 init seed < ?", "+21@21 daemon execve < init", "-20@20 sh execve < init"],
  },
  {
    name: "an exit that names another image says that an exec was lost",
    steps: [seed(key(1), "init"), exec(key(5, 5, 2), "sh", key(1)), exit(key(5, 5, 3))],
    expect: ["+1@1 init seed < ?", "-5@5 ? unknown < init"],
  },
  {
    name: "the seed never overwrites what a record has told",
    steps: [exec(key(5, 5, 2), "new", NOBODY), seed(key(5, 5, 1), "old")],
    expect: ["+5@5 new execve < ?"],
  },
  {
    name: "a fork of a process that was seeded already adds nothing",
    steps: [seed(key(1), "init"), seed(key(5), "ls", key(1)), fork(key(5), key(1))],
    expect: ["+1@1 init seed < ?", "+5@5 ls seed < init"],
  },
];

test.each(CASES)("$name", ({ steps, expect: wanted }) => {
  const table = new ProcessTable({ max: 100 });
  for (const step of steps) step(table);
  expect(show(table)).toEqual(wanted.sort());
});

test("a process from /proc is recognised by its inexact start, which becomes exact", () => {
  const table = new ProcessTable({ max: 100 });
  table.seed({ tgid: 1, start: 40_000_000n, selfExecId: -1 }, NOBODY, image("init"), { approximate: true });
  const child = table.exec(key(5, 90_000_000), { tgid: 1, start: 43_219_876n, selfExecId: 6 }, image("ls"), 5n);
  expect(child.parent).toMatchObject({ tgid: 1, start: 43_219_876n, selfExecId: 6, approximate: false });
  expect(table.find(1, 40_000_000n)).toBeUndefined();
  expect(table.size).toBe(2);
});

test("the bound holds for the dead and never touches the living", () => {
  const table = new ProcessTable({ max: 50 });
  for (let pid = 1; pid <= 80; pid++) table.exec(key(pid), NOBODY, image("sleep"), 0n);
  for (let pid = 101; pid <= 500; pid++) {
    table.exec(key(pid), key(1), image("true"), 0n);
    table.exit(key(pid), 1n);
    table.sweep(1n);
  }
  expect(table.living).toBe(80);
  expect(table.size).toBe(80);
});

test("a chain in which each forks the next and dies does not grow for ever", () => {
  const table = new ProcessTable({ max: 40 });
  table.seed(key(1), NOBODY, image("init"));
  table.exec(key(2), key(1), image("worm"), 0n);
  for (let pid = 2; pid < 1000; pid++) {
    table.fork(key(pid + 1), key(pid), key(pid), BigInt(pid));
    table.exit(key(pid), BigInt(pid));
    table.sweep(BigInt(pid) * 10n * SECOND);
  }
  expect(table.size).toBeLessThanOrEqual(41);
  expect(table.compactions).toBeGreaterThan(0);
  let top = table.current(1000)!;
  while (top.source !== null) top = top.source;
  expect(top.image?.binary).toBe("init");
});

test("descendants follow forks through the dead and the reparented", () => {
  const table = new ProcessTable({ max: 100 });
  table.seed(key(1), NOBODY, image("init"));
  const shell = table.exec(key(10), key(1), image("sh"), 0n);
  for (const [child, parent] of [
    [11, 10],
    [12, 11],
    [13, 12],
    [14, 10],
    [15, 1],
  ] as const)
    table.fork(key(child), key(parent), key(parent), 0n);
  table.exit(key(11), 1n);
  table.exec(key(12, 12, 2), key(1), image("daemon"), 1n);
  table.sweep(100n * SECOND);
  expect([...table.descendants(shell)].map((entry) => entry.tgid).sort((a, b) => a - b)).toEqual([12, 13, 14]);
  table.exit(key(10), 2n);
  expect([...table.descendants(shell)].map((entry) => entry.tgid).sort((a, b) => a - b)).toEqual([12, 13, 14]);
});

test("a parent that is younger than its child is not believed", () => {
  const table = new ProcessTable({ max: 100 });
  table.exec(key(20), NOBODY, image("young"), 0n);
  const old = table.exec(key(10), key(20), image("old"), 0n);
  expect(old.parent).toBeNull();
});

test("a thousand random histories keep size, living and references consistent", () => {
  let random = 12345;
  const next = (below: number) => {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0;
    return (random >>> 8) % below;
  };
  const table = new ProcessTable({ max: 60, linger: 50n });
  const living = new Map<number, Key>();
  let time = 0n;
  for (let step = 0; step < 30_000; step++) {
    time += 1n;
    const pids = [...living.keys()];
    const someone = living.get(pids[next(pids.length || 1)] ?? 0);
    const act = next(10);
    if (act < 4 || someone === undefined) {
      const k = { tgid: next(90) + 1, start: time, selfExecId: 1 };
      table.fork(k, someone ?? NOBODY, someone ?? NOBODY, time);
      living.set(k.tgid, k);
      expect(table.current(k.tgid)?.start).toBe(time);
    } else if (act < 6) {
      someone.selfExecId++;
      table.exec(someone, living.get(pids[next(pids.length)]!)!, image("x"), time);
    } else {
      table.exit(someone, time);
      living.delete(someone.tgid);
    }
    table.sweep(time);
  }
  const entries = [...table.entries()];
  expect(entries.length).toBe(table.size);
  expect(new Set(entries.filter((entry) => entry.alive).map((entry) => entry.tgid))).toEqual(new Set(living.keys()));
  const refs = new Map(entries.map((entry) => [entry, 0]));
  for (const entry of entries)
    for (const to of [entry.parent, entry.source]) if (to !== null) refs.set(to, refs.get(to)! + 1);
  expect(entries.filter((entry) => refs.get(entry) !== entry.refs)).toEqual([]);
});
