import { expect, test } from "vitest";
import { Container } from "../../../agent/containers/container.ts";
import { compileTest } from "../../../agent/demand/compile.ts";
import { EventFilter } from "../../../agent/demand/event-filter.ts";
import { HookMeter } from "../../../agent/demand/hook-meter.ts";
import { WallClock } from "../../../agent/events/clock.ts";
import { signalName } from "../../../agent/events/names.ts";
import { ProcessJson } from "../../../agent/events/process-json.ts";
import {
  PROCESS_FLAG,
  type ProcessExecRecord,
  type ProcessExitRecord,
  STDIO_TYPE,
  STDIO_TYPE_NAMES,
} from "../../../agent/generated/records.ts";
import type { ProcessEntry } from "../../../agent/process/entry.ts";
import { ProcessTable } from "../../../agent/process/table.ts";
import { and, atom, negated, or } from "../../../bus/formula/formula.ts";
import type { Atom, Formula } from "../../../bus/formula/formula.ts";
import { compileFormula, ELEMENT } from "../../../bus/formula/verify.ts";
import type { DesiredDemand } from "../../../bus/types/demand.ts";
import { randomOf, type Random } from "../../rules/lib/random.ts";

const image = (binary: string, more: object = {}) => ({
  ...{ binary, arguments: "-c x", cwd: "/srv", uid: 1000, auid: 4294967295, tid: 0, marks: "", ...more },
});
const key = (tgid: number) => ({ tgid, start: BigInt(tgid), selfExecId: 1 });

const table = new ProcessTable({ max: 100 });
table.seed(key(1), { tgid: 0, start: 0n, selfExecId: 0 }, image("/sbin/init", { uid: 0 }));
table.seed(key(2), key(1), image("/usr/sbin/nginx"));
table.exec(key(3), key(2), image("/bin/sh"), 3n);
table.exec(key(4), key(3), image("/tmp/x", { uid: 0, arguments: "-i" }), 4n);
table.seed(key(5), { tgid: 0, start: 0n, selfExecId: 0 }, null as never);

function container(state: "known" | "pending"): Container {
  const it = new Container("c".repeat(64));
  it.become(state, { id: it.id, name: "web", image: "shop", labels: {}, project: null, service: "front" }, "test");
  return it;
}
const CONTAINERS = [null, container("known"), container("pending")];

/** An event's JSON as the agent writes it, and what it knows before it does. */
function eventOf(random: Random) {
  const entry = random.pick<ProcessEntry>([...table.entries()]);
  const of = random.pick(CONTAINERS);
  const json = new ProcessJson({
    ...{ node: "n", table, clock: new WallClock(), cgroups: undefined, cgroupsV1: undefined },
    containerAt: () => of,
  });
  const flags = random.pick([
    0,
    PROCESS_FLAG.memfd,
    PROCESS_FLAG.upper | PROCESS_FLAG.binary_deleted,
    PROCESS_FLAG.interpreted,
  ]);
  const types = [0, 1, 2].map(() => random.pick(Object.values(STDIO_TYPE)));
  const signal = random.pick([0, 9, 11]);
  const [script, tty] = [random.pick(["", "/tmp/x"]), random.pick(["", "pts3", "tty1"])];
  const exec = { flags, script, tty, stdioType: (fd: number) => types[fd] } as unknown as ProcessExecRecord;
  const exit = { status: random.below(3), signal, coreDumped: signal === 11 } as unknown as ProcessExitRecord;
  const event = JSON.parse(`{"node":"n",${json.lineage(entry.parent)},"process":{${json.process(entry)}}}`) as {
    process: Record<string, unknown>;
  };
  event.process["container"] = of === null ? null : JSON.parse(of.json);
  const ofExec = structuredClone(event);
  Object.assign(ofExec.process, {
    script: (flags & PROCESS_FLAG.interpreted) === 0 || script === "" ? null : script,
    tty: { "": null, pts3: "pts/3", tty1: "tty1" }[tty],
    binary_properties: {
      memfd: (flags & PROCESS_FLAG.memfd) !== 0,
      deleted: (flags & PROCESS_FLAG.binary_deleted) !== 0,
      upper: (flags & PROCESS_FLAG.upper) !== 0,
      privileges_raised: false,
    },
    stdio: types.flatMap((type, fd) =>
      type === STDIO_TYPE.closed ? [] : [{ fd, type: STDIO_TYPE_NAMES[type] ?? "other" }],
    ),
  });
  const ofExit = {
    ...event,
    ...{ status: exit.status, signal: signal === 0 ? null : signalName(signal), core_dumped: exit.coreDumped },
  };
  return [
    { kind: "process_exec", event: ofExec, subject: { entry, container: of, exec, exit: null } },
    { kind: "process_exit", event: ofExit, subject: { entry, container: of, exec: null, exit } },
    { kind: "file_open", event, subject: { entry, container: of, exec: null, exit: null } },
  ];
}

const PATHS = [
  ...["binary", "arguments", "cwd", "uid", "auid", "pid", "tty", "script"].map((name) => ["process", name]),
  ...["binary", "uid", "pid", "arguments"].map((name) => ["parent", name]),
  ...["id", "name", "image", "service", "project"].map((name) => ["process", "container", name]),
  ...["memfd", "deleted", "upper", "privileges_raised"].map((name) => ["process", "binary_properties", name]),
  ...[
    ["process", "container"],
    ["process", "stdio", ELEMENT, "type"],
    ["ancestors", ELEMENT, "binary"],
  ],
  ...[["status"], ["signal"], ["core_dumped"], ["node"], ["file", "path"], ["parent"]],
];
const VALUES = [
  "/bin/sh",
  "/tmp/x",
  "/",
  "sh",
  "-i",
  "web",
  "shop",
  "SIGKILL",
  "pipe",
  "socket",
  "n",
  0,
  1,
  1000,
  3,
  true,
  false,
  null,
];

function randomAtom(random: Random): Atom {
  const path = random.pick(PATHS);
  const text = (): string => String(random.pick(VALUES));
  const made = random.pick([
    atom("in", path, [random.pick(VALUES), random.pick(VALUES)]),
    atom(random.pick(["prefix", "suffix", "contains"] as const), path, [text()], random.chance(0.2)),
    atom(random.pick(["exists", "truthy", "set"] as const), path),
    atom("range", path, [{ min: random.below(3) }]),
  ]);
  return random.chance(0.3) ? negated(made) : made;
}

function randomFormula(random: Random, depth: number): Formula {
  if (depth === 0 || random.chance(0.3)) return randomAtom(random);
  const parts = Array.from({ length: 1 + random.below(3) }, () => randomFormula(random, depth - 1));
  return random.chance(0.5) ? and(...parts) : or(...parts);
}

test("no event is left out that its JSON says is wanted", () => {
  const random = randomOf(11);
  const counts = { wanted: 0, left: 0 };
  for (let round = 0; round < 10_000; round++) {
    const formula = randomFormula(random, 3);
    for (const { kind, event, subject } of eventOf(random)) {
      const test = compileTest(formula, kind, "n");
      const passes = typeof test === "boolean" ? test : test(subject);
      const wanted = compileFormula(formula)({ ...event, kind });
      if (wanted) counts.wanted++;
      if (!passes) counts.left++;
      if (wanted) expect([kind, formula, event, passes]).toEqual([kind, formula, event, true]);
    }
  }
  expect(counts.wanted).toBeGreaterThan(5000);
  expect(counts.left).toBeGreaterThan(5000);
});

const binary = (value: string): Formula => atom("in", ["process", "binary"], [value]);
const demand = (wants: DesiredDemand["wants"], rulesets = ["sha256:x"]): DesiredDemand => ({
  ...{ wants, rulesets, standby: [] },
});
const want = (formula: Formula) => ({ formula, for: ["rule a"] });
const shell = [...table.entries()].find((entry) => entry.tgid === 3)!;
const init = [...table.entries()].find((entry) => entry.tgid === 1)!;
const KINDS = ["process_exec", "process_exit", "file_open"] as const;

test.each<[string, string[], Parameters<EventFilter["set"]>[0] | null, [string, string, string]]>([
  ["nobody has said anything", [], null, ["both", "both", "both"]],
  ["only a reader has", [], { demands: [demand({}, [])], others: new Set() }, ["both", "both", "both"]],
  [
    "rules want a binary, and nothing is kept",
    [],
    { demands: [demand({ process_exec: want(binary("/bin/sh")) })], others: new Set() },
    ["shell", "none", "both"],
  ],
  [
    "execs are kept",
    ["process_exec"],
    { demands: [demand({ process_exec: want(binary("/bin/sh")) })], others: new Set() },
    ["both", "none", "both"],
  ],
  [
    "a reader wants all exits",
    [],
    { demands: [demand({}), demand({ process_exit: want(true) }, [])], others: new Set() },
    ["none", "both", "both"],
  ],
  [
    "a rule wants files of a binary",
    [],
    { demands: [demand({ file_open: want(binary("/bin/sh")) })], others: new Set() },
    ["none", "none", "shell"],
  ],
  [
    "a person's selector asks for files too",
    [],
    { demands: [demand({ file_open: want(binary("/bin/sh")) })], others: new Set(["file_open"]) },
    ["none", "none", "both"],
  ],
])("%s", (_name, history, told, expected) => {
  const filter = new EventFilter("n", history);
  if (told !== null) filter.set(told);
  const passed = KINDS.map((kind) => {
    const [a, b] = [shell, init].map((entry) => filter.passes(kind, entry, () => null));
    return a && b ? "both" : a ? "shell" : b ? "init" : "none";
  });
  expect(passed).toEqual(expected);
  const left = KINDS.map((_kind, n) => ({ both: 0, shell: 1, none: 2 })[expected[n] as "both"] ?? 0);
  expect(KINDS.map((kind) => filter.filtered[kind] ?? 0)).toEqual(left);
});

test("a hook's rates are of the time between two looks; programs that were loaded anew count from 0", () => {
  const meter = new HookMeter();
  const hook = (seen: number, told: number) => [{ hook: "file_open", programs: ["file_open_sys_exit"], seen, told }];
  const stats = (runs: number, ns: number) => () => [{ name: "file_open_sys_e", runs, ns }];
  expect(meter.look(hook(0, 0), stats(0, 0), 0).size).toBe(0);
  expect(meter.look(hook(500, 50), stats(1000, 500_000), 1000).size).toBe(0);
  expect(meter.look(hook(1000, 100), stats(10_000, 5_000_000), 5000).get("file_open")).toEqual({
    ...{ seen_per_s: 200, events_per_s: 20, cpu_percent: 0.1, ns_per_run: 500 },
  });
  expect(meter.look(hook(1000, 100), stats(100, 50_000), 10_000).get("file_open")).toEqual({
    ...{ seen_per_s: 0, events_per_s: 0, cpu_percent: 0, ns_per_run: 500 },
  });
  expect(meter.look(hook(1100, 100), stats(100, 50_000), 20_000).get("file_open")).toEqual({
    ...{ seen_per_s: 10, events_per_s: 0 },
  });
});
