import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { LogFile } from "./log-file.ts";

export interface ChildSpec {
  name: string;
  command: [string, ...string[]];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Whether it writes a line of JSON to fd 3 once it is ready (see bus/ready.ts); one that does not is ready when `probe` says so. */
  reports: boolean;
  /** Resolves when a process that reports nothing serves; rejects never. Not called for one that reports. */
  probe?: (signal: AbortSignal) => Promise<void>;
  /** How long it may take to stop after SIGTERM before it is killed, ms. */
  stopMs: number;
}

export interface ChildEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why it could not be started at all. */
  error?: Error;
  ranMs: number;
}

/** One run of a process: its lines go to the log and to `onLine`. */
export class Child {
  readonly ended: Promise<ChildEnd>;
  /** Resolves with what the process said of itself when it became ready; never when it ended before. */
  readonly ready: Promise<Record<string, unknown>>;
  readonly #process: ChildProcess;
  readonly #spec: ChildSpec;

  constructor(spec: ChildSpec, log: LogFile, onLine: (line: string) => void) {
    this.#spec = spec;
    const started = performance.now();
    const [file, ...args] = spec.command;
    this.#process = spawn(file, args, {
      cwd: spec.cwd,
      env: spec.reports ? { ...spec.env, REEVE_READY_FD: "3" } : spec.env,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      // A group of its own: Ctrl-C on the terminal reaches the supervisor alone, which stops the others in order.
      detached: true,
    });
    const gone = new AbortController();
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => {
        log.line(line);
        onLine(line);
      });
    }
    this.ready = spec.reports ? firstReport(this.#process.stdio[3] as Readable) : probed(spec, gone.signal);
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null, error?: Error): void => {
        gone.abort();
        resolve({ code, signal, ...(error ? { error } : {}), ranMs: performance.now() - started });
      };
      this.#process.once("error", (error) => {
        if (this.#process.pid === undefined) end(null, null, error);
      });
      this.#process.once("exit", (code, signal) => end(code, signal));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** SIGTERM, then SIGKILL after `stopMs`. Resolves when it is gone. */
  async stop(): Promise<ChildEnd> {
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), this.#spec.stopMs);
    const end = await this.ended;
    clearTimeout(timer);
    return end;
  }
}

function firstReport(stream: Readable): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    stream.on("error", () => {});
    createInterface({ input: stream }).on("line", (line) => {
      try {
        resolve(JSON.parse(line) as Record<string, unknown>);
      } catch {
        // Not a report; a process that never reports is noticed by the time limit.
      }
    });
  });
}

async function probed(spec: ChildSpec, gone: AbortSignal): Promise<Record<string, unknown>> {
  await spec.probe?.(gone);
  return gone.aborted ? new Promise(() => {}) : {};
}
