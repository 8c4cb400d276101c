import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * What has to be on the machine, recognised by what it brings (a command, a header, a library), not by a package's name:
 * this is quick, and right on machines that got it another way. `when` is "run" for what every start needs,
 * "test" for what only `npm test` and `npm run check` need.
 *
 * @typedef {{ debian: string, when: "run" | "test", what: string, there: () => boolean }} Need
 */

/** @type {Need[]} */
export const NEEDS = [
  { debian: "clang", when: "run", what: "compiles the eBPF programs", there: () => onPath("clang") },
  { debian: "llvm", when: "run", what: "llvm-strip for the eBPF objects", there: () => onPath("llvm-strip") },
  {
    debian: "libbpf-dev",
    when: "run",
    what: "headers of the eBPF programs",
    there: () => existsSync("/usr/include/bpf/bpf_core_read.h"),
  },
  { debian: "libbpf1", when: "run", what: "loads the eBPF programs", there: () => hasLibrary("libbpf.so.1") },
  {
    debian: "linux-libc-dev",
    when: "run",
    what: "kernel headers for user programs",
    there: () => existsSync("/usr/include/linux/bpf.h"),
  },
  {
    debian: "ca-certificates",
    when: "run",
    what: "to fetch opa and nats-server",
    there: () => existsSync("/etc/ssl/certs/ca-certificates.crt") || existsSync("/etc/pki/tls/certs"),
  },
  {
    debian: "libc6-dev",
    when: "test",
    what: "C library headers for the test programs",
    there: () => existsSync("/usr/include/stdio.h"),
  },
  {
    debian: "clang-format",
    when: "test",
    what: "checks the layout of the C code",
    there: () => onPath("clang-format"),
  },
];

/**
 * Whether a command can be run from PATH.
 * @param {string} command
 */
export function onPath(command) {
  return findOnPath(command) !== undefined;
}

/**
 * The file that a command on PATH is, or undefined.
 * @param {string} command
 * @param {string} [path]
 */
export function findOnPath(command, path = process.env["PATH"] ?? "") {
  for (const dir of path.split(delimiter)) {
    if (dir === "") continue;
    const file = join(dir, command);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}

/** @param {string} name */
function hasLibrary(name) {
  const dirs = ["/usr/lib64", "/lib64", "/usr/local/lib"];
  for (const base of ["/usr/lib", "/lib"]) {
    dirs.push(base);
    try {
      for (const entry of readdirSync(base)) if (entry.endsWith("-linux-gnu")) dirs.push(join(base, entry));
    } catch {
      // This machine has no such directory.
    }
  }
  return dirs.some((dir) => existsSync(join(dir, name)));
}
