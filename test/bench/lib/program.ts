import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** A compiled program of test/programs, in a temporary directory that `close` removes. */
export interface Program {
  file: string;
  dir: string;
  close(): void;
}

/** Compiles test/programs/<name>.c. @throws what the compiler says */
export function compileProgram(name: string): Program {
  const source = resolve(fileURLToPath(import.meta.url), `../../../programs/${name}.c`);
  const dir = mkdtempSync(join(tmpdir(), "reeve-program-"));
  const file = join(dir, name);
  execFileSync("clang", ["-O2", "-Wall", "-o", file, source], { stdio: ["ignore", "inherit", "inherit"] });
  return { file, dir, close: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Runs a program to its end and returns the JSON that it prints. */
export function runJson<T>(file: string, args: string[]): Promise<T> {
  return new Promise((done, fail) => {
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.on("close", (code) => {
      if (code === 0) done(JSON.parse(stdout) as T);
      else fail(new Error(`${file} ended with ${code}: ${stdout}`));
    });
  });
}
