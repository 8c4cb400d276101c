import type { ProgramStats } from "../kernel/program-stats.ts";

/** What a hook has counted since it is there. */
export interface HookCounts {
  hook: string;
  programs: readonly string[];
  /** Events compared with selectors in the kernel. */
  seen: number;
  /** Events that came from there. */
  told: number;
}

export interface HookRates {
  events_per_s: number;
  seen_per_s: number;
  /** Only where the kernel times programs. */
  cpu_percent?: number;
  ns_per_run?: number;
}

interface Look {
  ms: number;
  seen: number;
  told: number;
  runs: number;
  ns: number;
}

/** Names of programs in the kernel are no longer. */
const NAME_BYTES = 15;
/** Rates are taken over at least so long. */
const LEAST_MS = 2000;

/** What each hook brings and costs a second, lately. */
export class HookMeter {
  readonly #last = new Map<string, Look>();
  #rates = new Map<string, HookRates>();
  #at = -Infinity;

  /** @param programs called only when it is time for new rates */
  look(
    hooks: readonly HookCounts[],
    programs: () => readonly ProgramStats[],
    ms: number,
  ): ReadonlyMap<string, HookRates> {
    if (ms - this.#at < LEAST_MS) return this.#rates;
    this.#at = ms;
    const stats = new Map(programs().map((program) => [program.name, program]));
    const rates = new Map<string, HookRates>();
    for (const { hook, programs: names, seen, told } of hooks) {
      const own = names.flatMap((name) => stats.get(name.slice(0, NAME_BYTES)) ?? []);
      const now: Look = { ms, seen, told, runs: sum(own.map(({ runs }) => runs)), ns: sum(own.map(({ ns }) => ns)) };
      const before = this.#last.get(hook);
      this.#last.set(hook, now);
      if (before !== undefined) rates.set(hook, ratesOf(before, now));
    }
    this.#rates = rates;
    return rates;
  }
}

/** A hook that was attached anew counts its runs from 0. */
function ratesOf(before: Look, now: Look): HookRates {
  const seconds = (now.ms - before.ms) / 1000;
  const since = (key: "seen" | "told" | "runs" | "ns"): number =>
    now[key] >= before[key] ? now[key] - before[key] : now[key];
  const runs = since("runs");
  return {
    events_per_s: round(since("told") / seconds),
    seen_per_s: round(since("seen") / seconds),
    ...(runs === 0
      ? {}
      : { cpu_percent: round(since("ns") / seconds / 1e7), ns_per_run: Math.round(since("ns") / runs) }),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
