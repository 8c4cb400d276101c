import { spawn } from "node:child_process";
import type { Tally } from "./tally.ts";

/** One command of a check. Without `tally` it counts as one test, passed when it exits with 0. */
export interface CheckStep {
  name: string;
  command: string;
  args: string[];
  /** Counts the tests in what the command printed on stdout; its output is shown only when something failed. */
  tally?: (stdout: string) => Tally;
  /** How to mend what it finds, shown when it fails. */
  help?: string;
}

export interface CheckResult {
  name: string;
  ok: boolean;
  ms: number;
  tally: Tally;
  output: string;
  help: string | undefined;
}

/** Runs a step to its end. Never rejects: a command that is not there is a failed step that says so. */
export function runCheckStep(step: CheckStep, cwd: string): Promise<CheckResult> {
  const start = performance.now();
  return new Promise((resolve) => {
    let stdout = "";
    let output = "";
    const child = spawn(step.command, step.args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      output += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const end = (status: number): void => {
      const counted = tallyOf(step, stdout, status);
      resolve({
        name: step.name,
        ok: counted.failed === 0 && status === 0,
        ms: performance.now() - start,
        tally: counted,
        output,
        help: step.help,
      });
    };
    child.on("error", (error) => {
      output += error.message;
      end(127);
    });
    child.on("close", (status) => end(status ?? 1));
  });
}

function tallyOf(step: CheckStep, stdout: string, status: number): Tally {
  const single = { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
  if (!step.tally) return single;
  try {
    const counted = step.tally(stdout);
    // A command that failed without naming a failed test has failed all the same.
    return status !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Runs the steps one after another, all of them, and prints a line for each with its time, and what a failed one said. */
export async function runCheckSteps(steps: CheckStep[], cwd: string, print: (line: string) => void): Promise<Tally[]> {
  const tallies: Tally[] = [];
  for (const step of steps) {
    const result = await runCheckStep(step, cwd);
    const tests = step.tally ? ` (${result.tally.passed + result.tally.failed} tests)` : "";
    print(`${result.ok ? "ok  " : "FAIL"} ${result.name}${tests} ${(result.ms / 1000).toFixed(1)} s`);
    if (!result.ok) {
      print(result.output.trimEnd());
      if (result.help) print(`     to mend it: ${result.help}`);
    }
    tallies.push(result.tally);
  }
  return tallies;
}
