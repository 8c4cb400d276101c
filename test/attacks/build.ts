import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runToEnd } from "./attack.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = join(HERE, "../../.reeve/attacks");

/** Compiles an attack program when it is missing or older than its source; returns its path. */
export async function attackProgram(name: string): Promise<string> {
  const source = join(HERE, `${name}.c`);
  const program = join(OUT, name);
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(OUT, { recursive: true });
  const { status, stderr } = await runToEnd("clang", ["-O2", "-Wall", "-Werror", "-o", program, source]);
  if (status !== 0) throw new Error(`${source} does not compile: ${stderr}`);
  return program;
}
