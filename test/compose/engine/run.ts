import { spawn } from "node:child_process";

export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  input?: string;
  /** Milliseconds after which it is killed; default five minutes. */
  limit?: number;
}

/** Runs a command to its end, whatever that is. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const { env = process.env, cwd, input = "", limit = 300_000 } = options;
    const child = spawn(command, args, {
      env,
      cwd,
      stdio: ["pipe", "pipe", "pipe"],
      timeout: limit,
      killSignal: "SIGKILL",
    });
    const out = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (out.stderr += text));
    child.stdin.on("error", () => {}).end(input);
    child.on("error", (cause) => resolve({ status: 127, stdout: out.stdout, stderr: cause.message }));
    child.on("close", (status) => resolve({ status: status ?? 137, ...out }));
  });
}

/** Runs a command that has to succeed; what it printed. @throws Error with the last lines of what it said */
export async function must(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await run(command, args, options);
  if (status === 0) return stdout;
  const said = `${stdout}\n${stderr}`.trim().split("\n").slice(-15).join("\n");
  throw new Error(`${command} ${args.join(" ")} ended with ${status}:\n${said}`);
}
