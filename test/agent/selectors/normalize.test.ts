import { describe, expect, it } from "vitest";
import { SelectorError } from "../../../agent/selectors/errors.ts";
import { normalize } from "../../../agent/selectors/normalize.ts";
import { cgroupScopeOf } from "../../../agent/selectors/scope.ts";
import type { Predicate, Scope, Selector } from "../../../bus/types/selector.ts";

const ABILITIES = [
  {
    hook: "process_exec",
    rung: "signal",
    actions: ["deny", "kill", "signal"],
    notFinal: ["process.cap.effective"],
  },
  { hook: "network_connect", rung: "cgroup", actions: ["deny"] },
] as const;

function refusal(part: Partial<Selector>): SelectorError {
  const selector: Selector = {
    ...{ id: "x", hook: "network_connect", action: "deny", mode: "enforce", priority: 0, rate: null },
    ...{ match: [], scope: {}, because: {} },
    ...part,
  };
  try {
    normalize({ entry: "e", selector, deadline: null }, ABILITIES, { cgroups: [], tree: null });
  } catch (error) {
    if (error instanceof SelectorError) return error;
    throw error;
  }
  throw new Error("was taken");
}

const match = (field: string, op: string, values: unknown) => ({ match: [{ field, op, values } as Predicate] });

describe("a selector that cannot be taken", () => {
  it.each<[string, Partial<Selector>, RegExp]>([
    [
      "field",
      match("process.binry", "in", ["/x"]),
      /match\[0\] "process.binry": unknown field \(did you mean process.binary\?\); allowed: process.binary, /,
    ],
    [
      "field",
      { hook: "process_exec", ...match("socket.dport", "in", [1]) },
      /not known at process_exec; allowed there: process.binary, parent.binary, ancestors.binary/,
    ],
    [
      "operator",
      match("process.uid", "prefix", ["/"]),
      /"process.uid": operator "prefix" is not possible; allowed: in, notIn, range, notRange, mask$/,
    ],
    ["operator", match("socket.dport", "mask", [1]), /operator "mask" is not possible/],
    ["value", match("process.uid", "mask", [0]), /0 is not a mask; allowed: whole numbers from 1 to 4294967295/],
    ["value", match("process.cap.effective", "in", ["CAP_SYS"]), /"CAP_SYS" is not possible; allowed: CAP_CHOWN, /],
    ["value", match("process.memfd", "in", ["yes"]), /allowed: \["true"\] or \["false"\]/],
    ["value", match("process.ns.net", "in", ["mine"]), /from 0 to 4294967295, "host"/],
    ["value", match("socket.protocol", "in", ["icmp"]), /from 0 to 255, "tcp", "udp"/],
    ["rate", { rate_per: "user" as "process" }, /rate_per: "user" is unknown; allowed: global, process/],
    ["value", match("process.uid", "in", []), /at least one value/],
    ["value", match("process.uid", "in", ["0"]), /"0" is not possible; allowed: whole numbers from 0 to 4294967295/],
    ["value", match("socket.dport", "range", [[9, 1]]), /\[9,1\] is not possible; allowed: pairs \[low, high\]/],
    ["value", match("socket.dport", "in", [65536]), /from 0 to 65535/],
    ["value", match("socket.daddr", "cidr", ["10.0.0.0/40"]), /allowed: "address\/length"/],
    ["value", match("socket.daddr", "in", ["10.0.0.0/8"]), /allowed: IPv4 or IPv6 addresses/],
    ["value", match("process.binary", "in", ["bash"]), /"bash" is not an absolute path and would never match/],
    ["value", match("process.binary", "suffix", [""]), /is not a path/],
    ["value", match("process.binary", "prefix", [`/${"x".repeat(255)}`]), /longer than 255 bytes/],
    [
      "hook",
      { action: "kill" },
      /action: kill is not possible at network_connect by cgroup on this kernel; possible: deny/,
    ],
    ["action", { action: "post" }, /post does nothing at network_connect/],
    ["action", { action: "drop" as "deny" }, /"drop" is unknown; allowed: post, noPost, deny, kill, signal/],
    ["mode", { mode: "off" as "monitor" }, /allowed: monitor, enforce/],
    [
      "hook",
      { hook: "file_close" as "process_exec" },
      /"file_close" is unknown; allowed: process_exec, network_connect/,
    ],
    ["hook", { hook: "file_open" }, /nothing can be decided at file_open on this host/],
    [
      "field",
      { hook: "process_exec", ...match("process.cap.effective", "in", ["CAP_KILL"]) },
      /has not its final value yet where signal decides on process_exec/,
    ],
    ["priority", { priority: 1.5 }, /not a whole number/],
    ["rate", { rate: 0 }, /rate: 0 is not/],
  ])("%s", (code, part, message) => {
    const error = refusal(part);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it.each<[Scope, RegExp]>([
    [{ service: "web" }, /scope.service: nobody to ask; allowed then: container.id, cgroup, tree/],
    [
      { pod: { namespace: "x" } },
      /scope.pod: this agent does not resolve it yet; allowed here: host, cgroup, container/,
    ],
    [{ container: { name: "web" } }, /scope.container: nobody to ask/],
    [{ container: { id: "0123456789ab", labels: { a: "b" } } }, /scope.container: nobody to ask/],
    [{ container: { labels: {} } }, /names no container/],
    [{ container: {} }, /names no container/],
    [{ container: { id: "abc" } }, /12 to 64 hexadecimal digits/],
    [{ cgroup: "/no-such" }, /there is no cgroup \/no-such/],
    [{ cgroup: "../x" }, /not a path from the hierarchy's root/],
  ])("scope %j", (scope, message) => {
    expect(() => cgroupScopeOf(scope, "/nonexistent", "nobody to ask")).toThrow(message);
  });
});
