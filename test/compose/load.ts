import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A program that was run, and when (ms since the epoch) it had surely been executed. */
export interface Act {
  binary: string;
  before: number;
  after: number;
}

/** Runs programs from /tmp, each under a name of its own, so that each is one finding. */
export class Load {
  readonly dir = mkdtempSync("/tmp/reeve-load-");
  readonly acts: Act[] = [];
  #running: Promise<void> | null = null;
  #stop = false;

  async act(): Promise<Act> {
    const binary = join(this.dir, `x${this.acts.length}`);
    copyFileSync("/bin/true", binary);
    const before = Date.now();
    const child = spawn(binary, { stdio: "ignore" });
    await new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
    const act = { binary, before, after: Date.now() };
    this.acts.push(act);
    return act;
  }

  start(everyMs: number): void {
    this.#stop = false;
    this.#running = (async () => {
      while (!this.#stop) {
        await this.act();
        await sleep(everyMs);
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stop = true;
    await this.#running;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
