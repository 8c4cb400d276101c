import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Btf } from "../../bpf/gen/btf.ts";

const INCLUDE = join(import.meta.dirname, "../../bpf/include");
const MULTIARCH = `/usr/include/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;

/** The BTF of a layouts object with these structs beside the record header. */
export function compileLayouts(structs: string, names: string[]): Btf {
  const directory = mkdtempSync(join(tmpdir(), "reeve-gen-"));
  const keep = names.map((name, index) => `struct ${name} keep_${index};`).join("\n");
  const source = `#include "record.h"\nenum record_kind keep_kind;\n${structs}\n${keep}\n`;
  try {
    writeFileSync(join(directory, "layouts.bpf.c"), source);
    const flags = ["-O2", "-g", "-target", "bpf", "-DREEVE_LAYOUTS", `-I${INCLUDE}`, `-I${MULTIARCH}`];
    execFileSync("clang", [...flags, "-c", "layouts.bpf.c", "-o", "layouts.o"], { cwd: directory, stdio: "pipe" });
    return Btf.read(join(directory, "layouts.o"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
