import { spawn } from "node:child_process";

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
