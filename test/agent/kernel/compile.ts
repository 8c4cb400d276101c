import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const INCLUDE = join(import.meta.dirname, "../../../bpf/include");
const SOURCES = join(import.meta.dirname, "../../programs/bpf");
const MULTIARCH = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";

export interface Compiled {
  /** Path of a compiled object of test/programs/bpf. */
  path(name: string): string;
  remove(): void;
}

/** Compiles BPF programs of test/programs/bpf into a directory of their own. */
export function compileBpf(...names: string[]): Compiled {
  const dir = mkdtempSync(join(tmpdir(), "reeve-bpf-"));
  const path = (name: string) => join(dir, `${name}.bpf.o`);
  for (const name of names) {
    const source = join(SOURCES, `${name}.bpf.c`);
    const flags = ["-O2", "-g", "-target", "bpf", "-Wall", "-Werror", `-I/usr/include/${MULTIARCH}`, `-I${INCLUDE}`];
    execFileSync("clang", [...flags, "-c", source, "-o", path(name)]);
    execFileSync("llvm-strip", ["-g", path(name)]);
  }
  return { path, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
