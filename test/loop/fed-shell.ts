import type { ChildProcessWithoutNullStreams } from "node:child_process";

/** A shell that is given lines, one at a time. */
export class FedShell {
  readonly child: ChildProcessWithoutNullStreams;
  private said = "";
  private asked = 0;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    child.stdin.on("error", () => {});
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
  }

  /** Runs a line in the shell itself; resolves to its exit status and what it printed. @throws when the shell is gone. */
  async run(line: string): Promise<{ status: number; output: string }> {
    const mark = `done-${++this.asked}-`;
    this.said = "";
    this.child.stdin.write(`${line}\necho ${mark}$?\n`);
    const end = performance.now() + 10_000;
    for (;;) {
      // What a terminal echoes of the line has no number there.
      const found = new RegExp(`${mark}(\\d+)\\r?\\n`).exec(this.said);
      if (found) return { status: Number(found[1]), output: this.said.slice(0, found.index) };
      if (this.child.exitCode !== null || this.child.signalCode !== null || performance.now() > end) {
        throw new Error(`the shell did not answer to "${line}": ${this.said}`);
      }
      await new Promise((wake) => setTimeout(wake, 10));
    }
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }
}
