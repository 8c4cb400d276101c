import { describe, expect, it } from "vitest";
import { plainPaint } from "../../../cli/output/paint.ts";
import { statusText } from "../../../cli/status/text.ts";
import { statusView } from "../../../cli/status/view.ts";

const now = new Date("2026-01-01T00:01:40Z");
const bus = {
  url: "nats://127.0.0.1:4222",
  version: "2.15.2",
  streams: [{ name: "REEVE_EVENTS", messages: 3, from: 0, to: 9 }],
};
const node = {
  ...{ node: "web-1", time: "2026-01-01T00:01:38Z", boot: "6f3c", epoch: 1, kernel: "6.18", version: "0.1.0" },
  ...{ state: "running", applied_revision: 7, counters: { records_exec: 5, idle: 0 }, losses: { process_exec: 2 } },
  hooks: [
    { hook: "process_exec", rung: "tp_btf", attached: true, can_deny: true },
    {
      ...{ hook: "file_open", rung: "sys_exit", attached: true, can_deny: false, for: ["rule files", "reader me"] },
      ...{ events_per_s: 2, seen_per_s: 900, cpu_percent: 0.3, ns_per_run: 450 },
    },
    { hook: "mount", rung: "none", attached: false, can_deny: false, idle: true, detail: "attached when asked" },
    { hook: "chroot", rung: "none", attached: false, can_deny: false, detail: "EPERM" },
  ],
  filtered: { kernel: { file_open: 4000 }, agent: { process_exit: 12 } },
  selectors: [
    { id: "want-file_open-1", entry: "all.demand", mode: "enforce", deadline: null, counters: { hits: 9 } },
    {
      id: "s1",
      entry: "e",
      mode: "enforce",
      deadline: null,
      counters: { hits: 2, denied: 2, would_deny: 0, undecided: 0 },
    },
  ],
  refused: [
    { selector: "s2", entry: "all.s2", reason: "file_open: no such hook\u001b[2J" },
    { selector: "s3", entry: "all.mine", reason: "rate: 0 is not a number" },
    { selector: "", entry: "all.broken", reason: "is no JSON" },
    { selector: "c1", entry: "node.web-1.c1", reason: 'scope.tree: no process "abc" is known on this node' },
    { selector: "c2", entry: "node.web-1.c2", reason: 'scope.tree: no process "abd" is known on this node' },
  ],
};
const engine = {
  ...{
    name: "web-1",
    time: "2026-01-01T00:00:00Z",
    started_at: "",
    version: "0.1.0",
    state: "running",
    counters: { events: 9 },
  },
  ...{ ruleset: "sha256:0123456789abcdef", refused_ruleset: null, disabled: [], refused: [], partitions: [0, 7] },
  rules: [
    { id: "loops", kind: "rule", state: "disabled", reason: "took over 1000 ms", evaluations: 1, hits: 0, errors: 1 },
  ],
};
const controller = {
  ...{ time: "2026-01-01T00:01:39Z", started_at: "", version: "0.1.0", state: "running", counters: {}, malformed: [] },
  desired: { entries: 1, leases: 0, revision: 8, disarmed: ["all"] },
  refused: [
    { time: "", sequence: 4, policy: "p", decider: "ci", code: "too_wide", message: "scope is the whole host" },
  ],
  ruleset: {
    ...{
      digest: "sha256:0123456789abcdef",
      built_at: null,
      source: "build",
      state: "broken",
      build_ms: 1,
      directories: [],
    },
    ...{
      warnings: [],
      errors: [{ file: "a.yaml", line: 3, rule: "a", message: "unknown kind", allowed: "process_exec" }],
    },
  },
};

describe("the status", () => {
  it("says of every part what works, what was refused and what was lost", () => {
    const entries = [
      { key: "controller", value: controller },
      { key: "node.web-1", value: node },
      { key: "engine.web-1", value: engine },
      { key: "engine.web-2", value: { ...engine, name: "web-2", state: "stopping", partitions: [] } },
    ];
    expect(statusText(statusView(entries, bus, now), plainPaint).split("\n")).toEqual([
      "bus  nats://127.0.0.1:4222, nats-server 2.15.2",
      "  REEVE_EVENTS: 3 messages, since 1970-01-01T00:00:00.000Z",
      "",
      "node web-1  running, seen 2.0 s ago, kernel 6.18, revision 7 of 8",
      "  attached  process_exec  tp_btf    can deny",
      "  attached  file_open     sys_exit  observes  2 events/s of 900/s, 0.3 % of a core, 450 ns each  for rule files, reader me",
      "  missing   chroot        none                                                                   EPERM",
      "  idle      mount (nobody asks for them)",
      "  selector s1 (enforce): 2 hits, 2 denied, 0 would deny",
      String.raw`  refused s2: file_open: no such hook\x1b[2J`,
      "  refused s3 of all.mine: rate: 0 is not a number",
      "  refused all.broken: is no JSON",
      "  2 selectors wait for a process tree that this node does not know (it has ended)",
      "  counters  records_exec 5",
      "  filtered  by the kernel: file_open 4000; by the agent: process_exit 12",
      "  lost      process_exec 2",
      "",
      "engine web-1  running, seen 1 min 40 s ago, rule set sha256:0123456789ab…, 2 of 32 partitions",
      "  disabled  loops  0 hits of 1  1 errors  took over 1000 ms",
      "  counters  events 9",
      "",
      "engine web-2  stopping, seen 1 min 40 s ago, rule set sha256:0123456789ab…, 0 of 32 partitions",
      "",
      "controller  running, seen 1.0 s ago, 1 entries in force (0 leased)",
      "  rule set  broken sha256:0123456789ab…",
      "  disarmed  all (reeve arm takes it back)",
      "  error  a.yaml:3: a: unknown kind (allowed: process_exec)",
      "  refused decision 4 of ci: scope is the whole host",
      "  counters  all 0",
    ]);
  });

  it("says of containers who names them, and why somebody has no name", () => {
    const connected = { socket: "/run/docker.sock", state: "connected" };
    const away = { socket: "/run/podman.sock", state: "away", reason: "ENOENT" };
    const of = (containers: object) =>
      statusText(statusView([{ key: "node.web-1", value: { ...node, containers } }], bus, now), plainPaint)
        .split("\n")
        .find((line) => line.startsWith("  containers"));
    const runtimes = [connected, away];
    expect(of({ running: 3, unnamed: 0, runtimes })).toBe("  containers  3 running; /run/docker.sock connected");
    expect(of({ running: 3, unnamed: 1, runtimes })).toBe(
      "  containers  3 running, 1 without a name; /run/docker.sock connected; /run/podman.sock away (ENOENT)",
    );
    expect(of({ running: 0, unnamed: 0, runtimes: [] })).toBe("  containers  0 running");
  });

  it("says what has not come yet", () => {
    const text = statusText(statusView([], bus, now), plainPaint);
    expect(text).toContain("no agent has said anything yet");
    expect(text).toContain("controller  has not said anything yet");
  });
});
