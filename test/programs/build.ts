import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

const OUT = join(import.meta.dirname, "out");

/** Compiles test/programs/<name>.c when it has changed, and returns where the program lies. */
export function buildProgram(name: string, options: { static?: boolean } = {}): string {
  const source = join(import.meta.dirname, `${name}.c`);
  const program = join(OUT, options.static === true ? `${name}-static` : name);
  const sources = [source, join(import.meta.dirname, "truth.h")];
  if (existsSync(program) && sources.every((file) => statSync(file).mtimeMs <= statSync(program).mtimeMs))
    return program;
  mkdirSync(OUT, { recursive: true });
  const temporary = `${program}.${process.pid}.tmp`;
  const flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", ...(options.static === true ? ["-static"] : [])];
  execFileSync("clang", [...flags, "-o", temporary, source], { stdio: ["ignore", "ignore", "inherit"] });
  renameSync(temporary, program);
  return program;
}
