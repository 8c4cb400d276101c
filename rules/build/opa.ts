import { spawn } from "node:child_process";
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { EngineError } from "../errors.ts";
import { OWN_TOOLS } from "../paths.ts";

const TIME_LIMIT_MS = 60_000;

export interface OpaResult {
  status: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs opa to its end in a directory.
 * @throws EngineError `opa_missing` when there is none, `opa_failed` when it does not end in time
 */
export function runOpa(args: readonly string[], cwd: string): Promise<OpaResult> {
  const opa = findOpa();
  return new Promise((resolve, reject) => {
    const child = spawn(opa, args, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: TIME_LIMIT_MS });
    const out = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (out.stderr += text));
    child.on("error", (cause) =>
      reject(new EngineError("opa_missing", `cannot run ${opa}: ${cause.message}`, { cause })),
    );
    child.on("close", (status, signal) => {
      if (status !== null) resolve({ status, ...out });
      else reject(new EngineError("opa_failed", `opa ${args[0]} was ended by ${signal} (limit ${TIME_LIMIT_MS} ms)`));
    });
  });
}

/** The opa that the set-up installed, else the one on PATH. */
export function findOpa(path = process.env["PATH"] ?? ""): string {
  for (const dir of [OWN_TOOLS, ...path.split(delimiter)]) {
    if (dir === "") continue;
    try {
      accessSync(join(dir, "opa"), constants.X_OK);
      return join(dir, "opa");
    } catch {
      // the next one
    }
  }
  throw new EngineError("opa_missing", `there is no opa in ${OWN_TOOLS} or on PATH: npm run setup`);
}

/** What changes when another opa is installed. @throws EngineError `opa_missing` */
export function opaIdentity(): string {
  const file = realpathSync(findOpa());
  const { size, mtimeMs } = statSync(file);
  return `${file} ${size} ${mtimeMs}`;
}
