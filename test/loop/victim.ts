import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A shell run from /tmp that the test feeds commands: the process tree that enforcement acts on, and nothing else. */
export class Victim {
  readonly dir: string;
  readonly binary: string;
  private readonly child: ChildProcessWithoutNullStreams;
  private said = "";
  private asked = 0;

  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), "reeve-victim-"));
    this.binary = join(this.dir, "shell");
    copyFileSync("/bin/bash", this.binary);
    this.child = spawn(this.binary, ["--norc"], { cwd: this.dir, stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdout.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
    this.child.stderr.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Runs a line in the shell itself; resolves to its exit status and what it printed. @throws when the shell is gone. */
  async run(line: string): Promise<{ status: number; output: string }> {
    const mark = `done-${++this.asked}-`;
    this.said = "";
    this.child.stdin.write(`${line}\necho ${mark}$?\n`);
    const end = performance.now() + 10_000;
    for (;;) {
      const found = new RegExp(`${mark}(\\d+)\\n`).exec(this.said);
      if (found) return { status: Number(found[1]), output: this.said.slice(0, found.index) };
      if (this.child.exitCode !== null || this.child.signalCode !== null || performance.now() > end) {
        throw new Error(`the shell did not answer to "${line}": ${this.said}`);
      }
      await new Promise((wake) => setTimeout(wake, 10));
    }
  }

  close(): void {
    this.child.kill("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }
}
