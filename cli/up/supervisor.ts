import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../errors.ts";
import { formatDuration } from "../output/duration.ts";
import { Backoff } from "./backoff.ts";
import type { BackoffOptions } from "./backoff.ts";
import { Child } from "./child.ts";
import type { ChildEnd, ChildSpec } from "./child.ts";
import { LogFile } from "./log-file.ts";
import { readLogLine } from "./log-line.ts";

export interface SupervisorOptions {
  logDir: string;
  /** One line for the person: a restart, a warning of a child. */
  say: (line: string) => void;
  backoff?: BackoffOptions;
  /** How long a process may take until it is ready, ms. */
  readyMs?: number;
}

/** The same warning of the same process is shown once in so long; the log has them all. */
const REPEAT_MS = 10_000;

interface Kept {
  spec: ChildSpec;
  log: LogFile;
  child: Child | undefined;
  restarts: number;
  done: Promise<void>;
  ready: boolean;
}

/** Keeps processes running: starts them in order, restarts with backoff the ones that die, stops them in reverse order. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #kept: Kept[] = [];
  readonly #stopping = new AbortController();
  readonly #lastSaid = new Map<string, { text: string; at: number }>();
  #stopped: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /**
   * Starts a process and resolves with its ready report. Rejects with code `child` when its first run ends or takes too long
   * before it is ready: a start that fails is told at once, not tried for ever. Later ends are restarts.
   */
  async start(spec: ChildSpec): Promise<Record<string, unknown>> {
    const log = new LogFile(join(this.#options.logDir, `${spec.name}.log`));
    const kept: Kept = { spec, log, child: undefined, restarts: 0, done: Promise.resolve(), ready: false };
    const first = this.#run(kept);
    this.#kept.push(kept);
    const late = new AbortController();
    const limit = this.#options.readyMs ?? 60_000;
    const outcome = await Promise.race([
      first.ready.then((report) => ({ report })),
      first.ended.then((end) => ({ end })),
      sleep(limit, { late: true as const }, { signal: late.signal }).catch(() => ({ late: true as const })),
    ]);
    late.abort();
    if ("report" in outcome) {
      kept.ready = true;
      kept.done = this.#keep(kept, first);
      return outcome.report;
    }
    if ("late" in outcome) await first.stop();
    this.#kept.splice(this.#kept.indexOf(kept), 1);
    const why =
      "end" in outcome ? `could not start: ${endText(outcome.end)}` : `was not ready after ${formatDuration(limit)}`;
    log.close();
    throw new CliError("child", `${spec.name} ${why}${tailText(log)}`, { help: `its whole log: ${log.path}` });
  }

  /** Name, pid and restarts of each process, in the order of their start. */
  states(): { name: string; pid: number | undefined; restarts: number; ready: boolean }[] {
    return this.#kept.map(({ spec, child, restarts, ready }) => ({
      name: spec.name,
      pid: child?.pid,
      restarts,
      ready,
    }));
  }

  /** Stops all, the last started first. Resolves when none is left; called again, it is the same stop. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    this.#stopping.abort();
    for (const kept of [...this.#kept].reverse()) {
      const end = await kept.child?.stop();
      await kept.done;
      if (end?.signal === "SIGKILL") this.#options.say(`${kept.spec.name} did not stop in time and was killed`);
      kept.log.close();
    }
    this.#kept.length = 0;
  }

  #run(kept: Kept): Child {
    kept.child = new Child(kept.spec, kept.log, (line) => this.#heard(kept.spec.name, line));
    return kept.child;
  }

  async #keep(kept: Kept, first: Child): Promise<void> {
    const backoff = new Backoff(this.#options.backoff);
    for (let child = first; ; child = this.#run(kept)) {
      const end = await child.ended;
      kept.ready = false;
      if (this.#stopping.signal.aborted) return;
      const wait = backoff.next(end.ranMs);
      this.#options.say(
        `${kept.spec.name} ended (${endText(end)}) after ${formatDuration(end.ranMs)}; ` +
          `starting it again in ${formatDuration(wait)}${tailText(kept.log)}`,
      );
      try {
        await sleep(wait, undefined, { signal: this.#stopping.signal });
      } catch {
        return;
      }
      kept.restarts++;
      void this.#readyAgain(kept);
    }
  }

  async #readyAgain(kept: Kept): Promise<void> {
    await Promise.resolve();
    await kept.child?.ready;
    kept.ready = true;
    if (!this.#stopping.signal.aborted) this.#options.say(`${kept.spec.name} runs again (restart ${kept.restarts})`);
  }

  #heard(name: string, line: string): void {
    if (this.#stopping.signal.aborted || line.trim() === "") return;
    const { level, text } = readLogLine(line);
    if (level !== "warn" && level !== "error") return;
    const last = this.#lastSaid.get(name);
    const now = performance.now();
    if (last?.text === text && now - last.at < REPEAT_MS) return;
    this.#lastSaid.set(name, { text, at: now });
    this.#options.say(`${name}: ${text}`);
  }
}

function endText(end: ChildEnd): string {
  if (end.error) return end.error.message;
  return end.signal ? `signal ${end.signal}` : `exit code ${end.code}`;
}

function tailText(log: LogFile): string {
  const lines = log.tail(5).filter((line) => line.trim() !== "");
  if (lines.length === 0) return "";
  return `. Its last lines:\n${lines.map((line) => `    ${readLogLine(line).text}`).join("\n")}`;
}
