import { describe, expect, test } from "vitest";
import type { Action, Operator, Predicate, Scope } from "../../../bus/types/selector.ts";
import { findLockout } from "../../../controller/safety/check.ts";
import { guardedMatch } from "../../../controller/safety/could-match.ts";

const on = (field: string, op: Operator, ...values: Predicate["values"]): Predicate => ({ field, op, values });
const binary = (op: Operator, ...values: string[]): Predicate => on("process.binary", op, ...values);
const uid = (op: Operator, ...values: Predicate["values"]): Predicate => on("process.uid", op, ...values);

describe("could match a guarded program", () => {
  test.each<[string, Predicate[]]>([
    ["everything", []],
    ["a shell", [binary("in", "/tmp/x", "/usr/bin/bash")]],
    ["an interpreter with its version", [binary("in", "/usr/bin/python3.13")]],
    ["login", [binary("in", "/bin/login")]],
    ["sshd", [binary("in", "/usr/sbin/sshd")]],
    ["a package manager", [binary("in", "/usr/bin/dpkg")]],
    ["one under /usr/local/bin", [binary("in", "/usr/local/bin/node")]],
    ["a directory of binaries", [binary("prefix", "/usr/bin/")]],
    ["a part of a directory's name", [binary("prefix", "/us")]],
    ["the beginning of a name", [binary("prefix", "/usr/bin/pyth")]],
    ["the root", [binary("prefix", "/")]],
    ["the end of a name", [binary("suffix", "sh")]],
    ["the end of a path", [binary("suffix", "/bin/apt-get")]],
    ["all but a few", [binary("notIn", "/usr/bin/bash", "/usr/bin/dash")]],
    ["all but /tmp", [binary("notPrefix", "/tmp/")]],
    ["all but shells by suffix", [binary("notSuffix", "sh")]],
    ["two that agree on one", [binary("prefix", "/usr/bin/"), binary("suffix", "/zsh")]],
    ["all under /usr, not under /usr/bin", [binary("prefix", "/usr/"), binary("notPrefix", "/usr/bin/")]],
    ["other fields", [on("parent.binary", "in", "/usr/sbin/nginx")]],
    ["a destination", [on("socket.daddr", "cidr", "169.254.169.254/32")]],
    ["an operator that paths have not", [binary("mask", "1")]],
    ["root", [uid("in", 0)]],
    ["people only", [uid("notIn", 0)]],
    ["one person", [uid("in", 33, 1000)]],
    ["a range that reaches people", [uid("range", [500, 1000])]],
    ["not the first people", [uid("range", [1, 5000]), uid("notRange", [0, 4999])]],
    ["all but system accounts", [uid("notRange", [1, 999])]],
    ["above nobody", [uid("range", [65_535, 70_000])]],
  ])("%s", (_name, match) => {
    expect(guardedMatch(match)).toBeTypeOf("string");
  });

  test.each<[string, Predicate[]]>([
    ["a file elsewhere", [binary("in", "/tmp/x", "/opt/app/server")]],
    ["a harmless program", [binary("in", "/usr/bin/curl", "/usr/bin/nc.openbsd")]],
    ["a world-writable directory", [binary("prefix", "/tmp/", "/dev/shm/")]],
    ["a longer name than any", [binary("prefix", "/usr/bin/bashful")]],
    ["another suffix", [binary("suffix", ".elf")]],
    ["two that exclude each other", [binary("in", "/usr/bin/bash"), binary("notIn", "/usr/bin/bash")]],
    ["shells without their directory", [binary("suffix", "/bash"), binary("prefix", "/tmp/")]],
    ["all but every directory of them", [binary("notPrefix", "/bin/", "/sbin/", "/usr/", "/lib/")]],
    ["a system account", [uid("in", 33)]],
    ["system accounts and nobody", [uid("range", [1, 999]), uid("notIn", 0)]],
    ["nobody", [uid("in", 65_534)]],
    ["neither root nor people", [uid("notIn", 0), uid("notRange", [1000, 65_533], [65_535, 4_294_967_295])]],
  ])("never: %s", (_name, match) => {
    expect(guardedMatch(match)).toBeUndefined();
  });
});

describe("the check", () => {
  const check = (change: {
    action?: Action;
    mode?: "monitor" | "enforce";
    match?: Predicate[];
    scope?: Scope;
  }): boolean => findLockout({ action: "deny", mode: "enforce", match: [], scope: {}, ...change }) !== undefined;

  test.each<[string, Parameters<typeof check>[0], boolean]>([
    ["nothing narrows", {}, true],
    ["kill", { action: "kill" }, true],
    ["signal", { action: "signal" }, true],
    ["post stops nothing", { action: "post" }, false],
    ["monitor stops nothing", { mode: "monitor" }, false],
    ["host: true is the whole host", { scope: { host: true } }, true],
    ["host: false too", { scope: { host: false } }, true],
    ["nodes narrow no host", { scope: { nodes: ["a"] } }, true],
    ["the root cgroup", { scope: { cgroup: "/" } }, true],
    ["a cgroup", { scope: { cgroup: "/system.slice/shop" } }, false],
    ["a container", { scope: { container: { id: "3f" } } }, false],
    ["a service", { scope: { service: "web" } }, false],
    ["a pod", { scope: { pod: { namespace: "shop" } } }, false],
    ["a tree", { scope: { tree: "abc" } }, false],
    ["a program elsewhere", { match: [binary("prefix", "/tmp/")] }, false],
  ])("%s", (_name, change, refused) => {
    expect(check(change)).toBe(refused);
  });

  test("says which program and what is allowed", () => {
    const problem = findLockout({
      action: "deny",
      mode: "enforce",
      scope: {},
      match: [binary("in", "/usr/sbin/sshd")],
    });
    expect(problem?.message).toContain("could match /usr/sbin/sshd");
    expect(problem?.allowed).toContain("force: true");
  });
});
