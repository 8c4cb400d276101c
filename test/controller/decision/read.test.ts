import { describe, expect, test } from "vitest";
import { HOOKS } from "../../../bus/types/selector.ts";
import { readDecision } from "../../../controller/decision/read.ts";
import { describeProblems } from "../../../controller/problems.ts";

const GOOD = { action: "deny", hook: "process_exec", scope: { tree: "abc" } };

/** What is wrong with GOOD when these fields replace its own; "" when nothing is. */
function wrongWith(change: unknown): string {
  const value =
    typeof change === "object" && change !== null && !Array.isArray(change) ? { ...GOOD, ...change } : change;
  const read = readDecision(value);
  return read.ok ? "" : describeProblems(read.problems);
}

const exec = (field: string, op: string, values: unknown): unknown => ({ match: [{ field, op, values }] });
const connect = (field: string, op: string, values: unknown): unknown => ({
  hook: "network_connect",
  match: [{ field, op, values }],
});
const open = (field: string, op: string, values: unknown): unknown => ({
  hook: "file_open",
  match: [{ field, op, values }],
});

describe("a decision that is fine", () => {
  test.each<[string, unknown]>([
    ["the least", {}],
    ["an empty match", { match: [] }],
    ["all options", { ttl: "10m", mode: "monitor", priority: 3, fleet: false, force: true, reason: "why" }],
    ["what the cause says", { because: { policy: "p", ruleset: "sha256:1", alert: null, event: "e", events: ["a"] } }],
    ["exact paths", exec("process.binary", "in", ["/tmp/x"])],
    ["suffixes", exec("parent.binary", "notSuffix", ["sh"])],
    ["uid ranges", exec("process.uid", "range", [[0, 5]])],
    ["a network", connect("socket.daddr", "cidr", ["10.0.0.0/8", "fd00::/8"])],
    ["an address", connect("socket.daddr", "notIn", ["::1"])],
    ["a file's path", open("file.path", "prefix", ["/etc/"])],
    ["a file itself", open("file.inode", "in", [2 ** 40])],
    ["its device", open("file.device", "in", ["254:0"])],
    ["flags", open("file.flags", "mask", ["O_WRONLY", "O_RDWR"])],
    ["capabilities", exec("process.cap.effective", "in", ["CAP_SYS_ADMIN"])],
    ["what a file is", exec("process.memfd", "in", ["true"])],
    ["the host's namespace", exec("process.ns.net", "notIn", ["host", 4026531840])],
    ["a protocol", connect("socket.protocol", "in", ["tcp", 132])],
    ["ports", connect("socket.dport", "in", [4444])],
    ["nodes", { scope: { nodes: ["a", "b"], host: true } }],
    ["a pod", { scope: { pod: { namespace: "shop", labels: { app: "web" } } } }],
  ])("%s", (_name, change) => {
    expect(wrongWith(change)).toBe("");
  });
});

describe("what is wrong is named, with what is allowed", () => {
  test.each<[unknown, string]>([
    [null, "the whole is null (allowed: an object of action, hook"],
    [[], "the whole is [] (allowed: an object of"],
    ["deny", 'the whole is "deny"'],
    [{ action: undefined }, "action is missing (allowed: deny, kill, signal)"],
    [{ action: "post" }, 'action is "post" (allowed: deny, kill, signal)'],
    [{ hook: "file_read" }, `hook is "file_read" (allowed: ${HOOKS.join(", ")})`],
    [{ scop: {} }, "scop is unknown, did you mean scope?"],
    [{ scope: [] }, "scope is [] (allowed: an object of nodes, host, cgroup"],
    [{ scope: { containr: {} } }, "scope.containr is unknown, did you mean container?"],
    [{ scope: { container: {} } }, "scope.container is empty (allowed: at least one of id, name, image, labels)"],
    [{ scope: { container: { id: "web" } } }, 'scope.container.id is "web" (allowed: 12 to 64 hexadecimal digits'],
    [{ scope: { container: { labels: {} } } }, "scope.container.labels is {}"],
    [{ scope: { pod: { labels: {} } } }, "scope.pod.labels is {}"],
    [{ scope: { nodes: [] } }, "scope.nodes has 0 elements"],
    [{ scope: { nodes: ["web-*"] } }, 'scope.nodes[0] is "web-*"'],
    [{ scope: { cgroup: "a" } }, 'scope.cgroup is "a"'],
    [{ scope: { cgroup: "/a/../.." } }, "scope.cgroup is"],
    [{ scope: { tree: "" } }, 'scope.tree is ""'],
    [{ match: {} }, "match is {}"],
    [
      exec("process.binry", "in", ["x"]),
      "which process_exec has not, did you mean process.binary? (allowed: process.binary",
    ],
    [exec("socket.dport", "in", [1]), 'match[0].field is "socket.dport", which process_exec has not'],
    [exec("process.binary", "cidr", ["x"]), 'match[0].op is "cidr" (allowed: in, notIn, prefix'],
    [exec("process.binary", "in", []), "match[0].values has 0 elements"],
    [exec("process.binary", "prefix", [""]), 'match[0].values[0] is ""'],
    [exec("process.uid", "in", ["0"]), 'match[0].values[0] is "0" (allowed: a whole number from 0 to 4294967295)'],
    [exec("process.uid", "range", [[5, 1]]), "low not above high"],
    [connect("socket.dport", "in", [65_536]), "a whole number from 0 to 65535"],
    [connect("socket.daddr", "cidr", ["10.0.0.0/33"]), 'match[0].values[0] is "10.0.0.0/33"'],
    [connect("socket.daddr", "cidr", ["10.0.0.0"]), "an address with its prefix length"],
    [connect("socket.daddr", "in", ["evil.example"]), "an IPv4 or IPv6 address"],
    [
      exec("process.cap.effective", "in", ["SYS_ADMIN"]),
      'match[0].values[0] is "SYS_ADMIN" (allowed: the name of a capability, as CAP_SYS_ADMIN)',
    ],
    [exec("process.memfd", "in", [1]), 'match[0].values[0] is 1 (allowed: "true" or "false")'],
    [open("file.device", "in", [254]), 'match[0].values[0] is 254 (allowed: "major:minor")'],
    [open("file.flags", "mask", ["write"]), "(allowed: O_WRONLY, O_RDWR"],
    [open("file.flags", "in", ["O_RDWR"]), 'match[0].op is "in" (allowed: mask)'],
    [{ mode: "dry" }, 'mode is "dry" (allowed: monitor, enforce)'],
    [{ priority: 1.5 }, "priority is 1.5"],
    [{ force: "yes" }, 'force is "yes" (allowed: true, false)'],
    [{ because: "x" }, 'because is "x"'],
  ])("%j", (change, message) => {
    expect(wrongWith(change)).toContain(message);
  });

  test("all problems at once", () => {
    const read = readDecision({ action: "x", hook: "y", ttl: 5 });
    expect(read.ok ? [] : read.problems.map((problem) => problem.field)).toEqual(["action", "hook", "ttl"]);
  });
});

test("the sender cannot say who it is", () => {
  const read = readDecision({ ...GOOD, because: { person: "root", decider: "other", event: "e" } });
  expect(read.ok && read.value.because).toEqual({ event: "e" });
});

test("a cgroup path in disguise is the path it means", () => {
  for (const [given, meant] of [
    ["/./", "/"],
    ["//a//b/", "/a/b"],
  ]) {
    const read = readDecision({ ...GOOD, scope: { cgroup: given } });
    expect(read.ok && read.value.scope?.cgroup).toBe(meant);
  }
});
