import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { privileged, unprivileged } from "../../../cli/up/launch.ts";
import { coversFor, orderMounts } from "../../../cli/up/mounts.ts";
import { firstUnreadable } from "../../../cli/up/readable.ts";

const root = process.getuid?.() === 0;
const dir = mkdtempSync(join(tmpdir(), "reeve-launch-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("the order of mounts", () => {
  const ro = (to: string, from = to): { to: string; from: string; writable: boolean } => ({
    to,
    from,
    writable: false,
  });

  it("puts parents first and leaves out what they bring along", () => {
    expect(orderMounts([ro("/a/b/c"), ro("/a/b"), ro("/z")])).toEqual([ro("/a/b"), ro("/z")]);
    expect(orderMounts([ro("/a/b/c", "/run/copy"), ro("/a/b")])).toEqual([ro("/a/b"), ro("/a/b/c", "/run/copy")]);
    expect(orderMounts([ro("/a/b/c"), ro("/a/b", "/run/copy")])).toEqual([ro("/a/b", "/run/copy"), ro("/a/b/c")]);
  });

  it("covers the topmost directory that others may not enter", () => {
    const closed = new Set(["/root", "/home/me", "/home/me/deep"]);
    const enterable = (path: string): boolean => !closed.has(path);
    expect(coversFor([ro("/root/reeve"), ro("/root/rules"), ro("/opt/x"), ro("/home/me/deep/a")], enterable)).toEqual([
      "/home/me",
      "/root",
    ]);
  });
});

describe("what others may not read", () => {
  it("is found, unless it does not matter", () => {
    const tree = join(dir, "tree");
    mkdirSync(join(tree, "sub/.git"), { recursive: true });
    writeFileSync(join(tree, "open"), "");
    for (const path of [tree, join(tree, "sub"), join(tree, "sub/.git")]) chmodSync(path, 0o755);
    chmodSync(join(tree, "open"), 0o644);
    expect(firstUnreadable(tree)).toBeUndefined();
    writeFileSync(join(tree, "sub/closed"), "");
    chmodSync(join(tree, "sub/closed"), 0o600);
    expect(firstUnreadable(tree)).toBe(join(tree, "sub/closed"));
    expect(firstUnreadable(tree, ["sub"])).toBeUndefined();
  });
});

describe.runIf(root)("a process without rights", () => {
  function run(script: string): { status: number | null; stdout: string; stderr: string } {
    const closed = join(dir, "closed");
    mkdirSync(join(closed, "app"), { recursive: true });
    mkdirSync(join(dir, "copy"), { recursive: true });
    writeFileSync(join(closed, "app/file"), "the tree\n");
    writeFileSync(join(closed, "secret"), "x");
    writeFileSync(join(dir, "copy/rule"), "a rule\n");
    chmodSync(dir, 0o755);
    chmodSync(closed, 0o700);
    for (const path of [join(closed, "app"), join(dir, "copy")]) chmodSync(path, 0o755);
    for (const path of [join(closed, "app/file"), join(dir, "copy/rule")]) chmodSync(path, 0o644);
    // As strict as it gets: what is made on the way to the mounts must be open all the same.
    const before = process.umask(0o077);
    const [file, ...args] = unprivileged(["sh", "-c", script], {
      ...{ uid: 64_999, gid: 64_998, supervisorPid: process.pid, stage: join(dir, "stage") },
      mounts: [
        { to: join(closed, "app"), from: join(closed, "app"), writable: false },
        { to: join(closed, "rules of mine/deep"), from: join(dir, "copy"), writable: false },
      ],
      covers: [closed],
    });
    const result = spawnSync(file, args, { encoding: "utf8", cwd: "/" });
    process.umask(before);
    return result;
  }

  it("has another user, no group, no capability, and can get none", () => {
    const { stdout, stderr } = run("grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' /proc/self/status");
    expect(stderr).toBe("");
    const status = new Map(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(/:\s*/) as [string, string]),
    );
    expect(status.get("Uid")).toBe("64999\t64999\t64999\t64999");
    expect(status.get("Gid")).toBe("64998\t64998\t64998\t64998");
    expect(status.get("Groups")?.trim()).toBe("");
    expect(status.get("NoNewPrivs")).toBe("1");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) expect(status.get(set)).toBe("0".repeat(16));
  });

  it("reads what it was given below a directory of root's, under its usual name, and sees nothing else there", () => {
    const { stdout, stderr } = run(
      `cat '${dir}/closed/app/file' '${dir}/closed/rules of mine/deep/rule'; ls '${dir}/closed'`,
    );
    expect(stderr).toBe("");
    expect(stdout).toBe("the tree\na rule\napp\nrules of mine\n");
  });

  it("cannot write there, and leaves the host as it was", () => {
    const { status, stderr } = run(`echo x > '${dir}/closed/app/file'`);
    expect(status).not.toBe(0);
    expect(stderr).toContain("Read-only file system");
    expect(readdirSync(join(dir, "closed")).sort()).toEqual(["app", "secret"]);
    expect(readdirSync(join(dir, "stage"))).toEqual([]);
  });

  it("does not start when its supervisor is gone already", () => {
    const [file, ...args] = privileged(["echo", "started"], 1_999_999);
    expect(spawnSync(file, args, { encoding: "utf8" })).toMatchObject({ status: 77, stdout: "" });
  });
});
