import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../bus/log.ts";
import type { BuildMessage, RuleSetStatus } from "../../bus/types/controller-status.ts";
import type { RuleSetInfo } from "../../bus/types/rule-set.ts";
import { messageOf } from "../errors.ts";
import type { RuleSetStore } from "../port.ts";
import type { BuildResult, BuiltRuleSet } from "./build.ts";
import { describeMessage } from "./output.ts";

export interface KeeperOptions {
  store: RuleSetStore;
  directories: readonly string[];
  /** Builds what is in these directories now; without enforcement policies where `policies` is false. */
  build: (directories: readonly string[], policies: boolean, signal: AbortSignal) => Promise<BuildResult>;
  /** What keeps a directory from being read, undefined when nothing does. */
  inspect: (directory: string) => BuildMessage | undefined;
  /** Whether policies act: then they are not armed as long as exceptions of the user's may be missing. */
  enforce: boolean;
  log: Logger;
  onStatus: () => void;
  /** A directory that could not be read can be: what watches it must look again. */
  onReadable?: (directory: string) => void;
  /** Milliseconds of silence after a change before it is built ... */
  quiet?: number;
  /** ... but at most so many after the first one. */
  patience?: number;
  /** Milliseconds after which a directory that could not be read is looked at again. */
  again?: number;
  now?: () => number;
}

const WITHHELD: BuildMessage = {
  ...{ file: null, line: null, rule: null },
  message: "enforcement policies are not armed, as exceptions may lie in a rule directory that cannot be read",
  allowed: "every directory of rules.dirs readable, or no --enforce",
};

/**
 * Keeps the current rule set equal to what is in the rule directories. One build at a time, the last change wins; a
 * broken one leaves the set that is live as it is and stands in the status.
 */
export class RuleSetKeeper {
  readonly #options: KeeperOptions;
  readonly #quiet: number;
  readonly #patience: number;
  readonly #now: () => number;
  readonly #built = Promise.withResolvers<void>();
  #changed: { first: number; last: number } | null = null;
  #wake: (() => void) | undefined;
  #unreadable: string[] = [];
  /** What the set that is live was made of. */
  #sources: readonly string[] = [];
  #status: RuleSetStatus;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#quiet = options.quiet ?? 50;
    this.#patience = options.patience ?? 400;
    this.#now = options.now ?? Date.now;
    this.#status = {
      ...{ digest: null, built_at: null, source: null, state: "none", build_ms: null },
      ...{ directories: [...options.directories], errors: [], warnings: [] },
    };
  }

  get status(): RuleSetStatus {
    return this.#status;
  }

  /** Resolves when the first build is done, well or badly. */
  get built(): Promise<void> {
    return this.#built.promise;
  }

  /** Something in the directories changed: build soon. */
  changed(): void {
    const now = this.#now();
    this.#changed = { first: this.#changed?.first ?? now, last: now };
    this.#wake?.();
  }

  /** Makes a stored set the current one, until the next change in the directories; error `not_found`. */
  async push(digest: string): Promise<RuleSetInfo> {
    const info = await this.#options.store.select(digest);
    this.#set({ digest, built_at: info.built_at, source: "push", state: "live", errors: [], warnings: [] });
    return info;
  }

  /** Builds at once, then after each change, until `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    const current = await this.#options.store.current();
    this.#sources = current?.sources ?? [];
    if (current !== null) this.#set({ digest: current.digest, built_at: current.built_at, state: "live" });
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener("abort", onAbort);
    const looking = setInterval(() => this.#lookAgain(), this.#options.again ?? 2_000);
    try {
      await this.#buildOnce(signal);
      this.#built.resolve();
      while (!signal.aborted) {
        await this.#settle(signal);
        if (!signal.aborted) await this.#buildOnce(signal);
      }
    } catch (cause) {
      if (!signal.aborted) throw cause;
    } finally {
      clearInterval(looking);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** No change is told of a directory that could not be watched, so it is looked at. */
  #lookAgain(): void {
    const readable = this.#unreadable.filter((directory) => this.#options.inspect(directory) === undefined);
    if (readable.length === 0) return;
    for (const directory of readable) this.#options.onReadable?.(directory);
    this.#unreadable = this.#unreadable.filter((directory) => !readable.includes(directory));
    this.changed();
  }

  /** Waits for a change and then for silence. */
  async #settle(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#changed === null) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        continue;
      }
      const { first, last } = this.#changed;
      const left = Math.min(last + this.#quiet, first + this.#patience) - this.#now();
      if (left <= 0) return;
      await sleep(left, undefined, { signal }).catch(() => undefined);
    }
  }

  async #buildOnce(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const state = this.#status.state;
    // Changes from here on are not, or not surely, in this build.
    this.#changed = null;
    this.#set({ state: "building" });
    const started = this.#now();
    const { readable, problems } = this.#inspect();
    const withheld = this.#options.enforce && this.#unreadable.some((directory) => !this.#isLive(directory));
    if (withheld) problems.push(WITHHELD);
    // A directory that went away must not take its rules out of a set that is live; without one, the others are better than
    // none. But exceptions may be in it: what acts would act where the user said that it must not.
    const result: BuildResult =
      problems.length > 0 && this.#status.digest !== null && !withheld
        ? { ok: false, errors: problems, warnings: [] }
        : await this.#options.build(readable, !withheld, signal);
    const build_ms = this.#now() - started;
    if (!result.ok) {
      const errors = [...problems.filter((problem) => !result.errors.includes(problem)), ...result.errors];
      this.#set({ state: "broken", build_ms, errors, warnings: result.warnings });
      const live = this.#status.digest === null ? "no rule set is live" : "the last good rule set goes on";
      for (const error of errors) log.error(`rules: ${describeMessage(error)}; ${live}`);
      return;
    }
    const { digest, warnings } = result;
    for (const warning of warnings) log.warn(`rules: ${describeMessage(warning)}`);
    const ended = problems.length > 0 ? "broken" : "live";
    if (digest === this.#status.digest && this.#status.source !== "push" && state !== "none") {
      this.#set({ ...{ state: ended, source: "build", build_ms, errors: problems, warnings } });
      return;
    }
    const built_at = new Date(this.#now()).toISOString();
    if (!(await this.#publish(result, built_at, signal))) return;
    this.#sources = result.sources;
    this.#set({ ...{ state: ended, digest, built_at, source: "build", build_ms, errors: problems, warnings } });
    for (const problem of problems) log.error(`rules: ${describeMessage(problem)}; the other directories are live`);
    log.info({ digest, rules: result.rules, policies: result.policies, build_ms }, "rule set is live");
  }

  #inspect(): { readable: string[]; problems: BuildMessage[] } {
    const readable: string[] = [];
    const problems: BuildMessage[] = [];
    for (const directory of this.#options.directories) {
      const problem = this.#options.inspect(directory);
      if (problem === undefined) readable.push(directory);
      else problems.push(problem);
    }
    this.#unreadable = this.#options.directories.filter((directory) => !readable.includes(directory));
    return { readable, problems };
  }

  /** Whether files of a directory are in the live set. They go by the directory's name, with a number where two have the same. */
  #isLive(directory: string): boolean {
    const name = basename(directory);
    return this.#sources.some((source) => {
      const [first = ""] = source.split("/");
      return (
        source === directory ||
        first === name ||
        (first.startsWith(`${name}-`) && /^\d+$/.test(first.slice(name.length + 1)))
      );
    });
  }

  /** Tries until it is stored, or a newer change makes it stale. */
  async #publish(built: BuiltRuleSet, built_at: string, signal: AbortSignal): Promise<boolean> {
    const { digest, rules, policies, sources } = built;
    const info: RuleSetInfo = { digest, built_at, rules, policies, sources };
    for (let delay = 200; ; delay = Math.min(2 * delay, 5_000)) {
      try {
        await this.#options.store.publish(built.bytes, info);
        return true;
      } catch (cause) {
        if (signal.aborted) return false;
        const message = `rule set ${digest} could not be stored: ${messageOf(cause)}`;
        this.#options.log.error({ err: cause }, message);
        this.#set({ state: "broken", errors: [{ file: null, line: null, rule: null, message, allowed: null }] });
        await sleep(delay, undefined, { signal }).catch(() => undefined);
        if (signal.aborted || this.#changed !== null) return false;
      }
    }
  }

  #set(change: Partial<RuleSetStatus>): void {
    this.#status = { ...this.#status, ...change };
    this.#options.onStatus();
  }
}
