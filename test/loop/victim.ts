import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FedShell } from "./fed-shell.ts";

/** A shell run from /tmp that the test feeds commands: the process tree that enforcement acts on, and nothing else. */
export class Victim {
  readonly dir: string;
  readonly binary: string;
  private readonly shell: FedShell;

  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), "reeve-victim-"));
    this.binary = join(this.dir, "shell");
    copyFileSync("/bin/bash", this.binary);
    this.shell = new FedShell(spawn(this.binary, ["--norc"], { cwd: this.dir, stdio: ["pipe", "pipe", "pipe"] }));
  }

  get pid(): number {
    return this.shell.child.pid as number;
  }

  /** Runs a line in the shell itself; resolves to its exit status and what it printed. @throws when the shell is gone. */
  run(line: string): Promise<{ status: number; output: string }> {
    return this.shell.run(line);
  }

  close(): void {
    this.shell.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
