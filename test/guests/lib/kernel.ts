import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetched } from "../../../setup/guests/fetch.mjs";
import { GUESTS_DIR, GUEST_KERNELS } from "../../../setup/guests/kernels.mjs";
import { findOnPath } from "../../../setup/needs.mjs";
import { GuestError } from "./errors.ts";
import { initrd, type InitrdEntry } from "./initrd.ts";

export const REPO = join(import.meta.dirname, "../../..");
export const QEMU = "qemu-system-x86_64";

/** A kernel of setup/guests/kernels.mjs that is here. */
export interface Kernel {
  name: string;
  /** What `uname -r` says in it. */
  release: string;
  version: string;
  suite: string;
  image: string;
  modules: string[];
}

/** Why no guest can run that kernel here, or undefined. */
export function guestMissing(name: string): string | undefined {
  if (process.arch !== "x64") return `guests run on x86-64 only, this is ${process.arch}`;
  if (findOnPath(QEMU) === undefined) return `${QEMU} is not installed`;
  if (fetched(REPO, name) === undefined) return `kernel ${name} was not fetched (npm run setup)`;
  return undefined;
}

/** @throws GuestError `kernel` */
export function guestKernel(name: string): Kernel {
  const names = GUEST_KERNELS.map((kernel) => kernel.name);
  if (!names.includes(name)) throw new GuestError("kernel", `no kernel ${name}: there are ${names.join(", ")}`);
  const missing = guestMissing(name);
  if (missing !== undefined) throw new GuestError("kernel", missing);
  const dir = join(REPO, GUESTS_DIR, name);
  const { release, version, suite, modules } = fetched(REPO, name)!;
  const image = join(dir, "vmlinuz");
  return { name, release, version, suite, image, modules: modules.map((module) => join(dir, module)) };
}

/** The first root of a guest: init, compiled here, and the modules it loads. */
export function guestInitrd(kernel: Kernel): Buffer {
  const entries: InitrdEntry[] = [
    { path: "init", mode: 0o100755, content: compiledInit() },
    { path: "modules", mode: 0o40755 },
  ];
  for (const [index, file] of kernel.modules.entries()) {
    const content = readFileSync(file);
    entries.push({ path: `modules/${String(index).padStart(2, "0")}.ko`, mode: 0o100644, content });
  }
  return initrd(entries);
}

let init: Buffer | undefined;

function compiledInit(): Buffer {
  if (init !== undefined) return init;
  const dir = mkdtempSync(join(tmpdir(), "reeve-init-"));
  try {
    const out = join(dir, "init");
    const source = join(REPO, "test/guests/init.c");
    execFileSync("clang", ["-static", "-O2", "-Wall", "-Werror", source, "-o", out], { stdio: "pipe" });
    if (!existsSync(out)) throw new GuestError("kernel", `clang made no ${out}`);
    return (init = readFileSync(out));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
