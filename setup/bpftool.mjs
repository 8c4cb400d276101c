import { closeSync, mkdirSync, openSync, readSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { findOnPath } from "./needs.mjs";
import { ask } from "./run-command.mjs";

/**
 * bpftool is a package of its own in Debian. In Ubuntu up to 24.04 it is a wrapper script that looks for the tools of the
 * running kernel, whose package may not exist for it; any kernel's bpftool serves us, so that one is linked.
 */

/** @param {string} repo @returns {string | undefined} a bpftool that runs */
export function usableBpftool(repo) {
  const file = findOnPath("bpftool", `${join(repo, ".reeve/bin")}:${process.env["PATH"] ?? ""}`);
  if (file === undefined) return undefined;
  return isElf(file) || ask(file, ["version"]) !== undefined ? file : undefined;
}

/** The Debian packages that bring it here. */
export function bpftoolPackages() {
  const policy = ask("apt-cache", ["policy", "bpftool"]) ?? "";
  const known = /Candidate: \d/.test(policy);
  const ubuntu = ask("apt-cache", ["policy", "linux-tools-generic"]) ?? "";
  return known || !/Candidate: \d/.test(ubuntu) ? ["bpftool"] : ["linux-tools-common", "linux-tools-generic"];
}

/** Links the newest bpftool of Ubuntu's kernel tools into .reeve/bin. Does nothing where there is none. @param {string} repo */
export function linkBpftool(repo) {
  const found = [];
  for (const dir of list("/usr/lib/linux-tools")) found.push(join("/usr/lib/linux-tools", dir, "bpftool"));
  for (const dir of list("/usr/lib")) {
    if (dir.startsWith("linux-tools-")) found.push(join("/usr/lib", dir, "bpftool"));
  }
  const file = found.findLast((candidate) => isElf(candidate));
  if (file === undefined) return;
  mkdirSync(join(repo, ".reeve/bin"), { recursive: true });
  rmSync(join(repo, ".reeve/bin/bpftool"), { force: true });
  symlinkSync(file, join(repo, ".reeve/bin/bpftool"));
}

/** @param {string} dir */
function list(dir) {
  try {
    return readdirSync(dir).sort();
  } catch {
    return [];
  }
}

/** @param {string} file */
function isElf(file) {
  try {
    const fd = openSync(file, "r");
    const head = Buffer.alloc(4);
    readSync(fd, head, 0, 4, 0);
    closeSync(fd);
    return head.toString("latin1") === "\u007fELF";
  } catch {
    return false;
  }
}
