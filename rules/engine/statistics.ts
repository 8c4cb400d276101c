import type { EngineStatus, RuleStatus } from "../../bus/types/engine-status.ts";
import type { Pool } from "./pool.ts";
import type { WorkerReport } from "./worker-protocol.ts";

const REFUSED_MAX = 20;

/** What the engine counted; nothing that is refused, failed or left out goes without a number here. */
export class Statistics {
  readonly #counters: Record<string, number> = {};
  readonly #startedAt = new Date().toISOString();
  readonly #lastAlert = new Map<string, string>();
  readonly #lastError = new Map<string, string>();
  readonly #refused: EngineStatus["refused"] = [];
  refusedRuleSet: EngineStatus["refused_ruleset"] = null;

  add(counter: string, amount = 1): void {
    this.#counters[counter] = (this.#counters[counter] ?? 0) + amount;
  }

  set(counter: string, count: number): void {
    if (count > 0) this.#counters[counter] = count;
  }

  /** What the threads of a set that is replaced had counted. */
  keep(counters: Readonly<Record<string, number>>): void {
    for (const [counter, count] of Object.entries(counters)) this.add(counter, count);
  }

  refuse(subject: string, reason: string): void {
    this.#refused.unshift({ time: new Date().toISOString(), subject, reason });
    this.#refused.splice(REFUSED_MAX);
  }

  reported({ alerted, errors, refused }: WorkerReport): void {
    for (const [rule, time] of Object.entries(alerted)) this.#lastAlert.set(rule, time);
    for (const [id, error] of Object.entries(errors)) this.#lastError.set(id, error);
    this.#refused.unshift(...refused);
    this.#refused.splice(REFUSED_MAX);
  }

  status(name: string, state: EngineStatus["state"], version: string, pool: Pool | null): EngineStatus {
    return {
      ...{ name, version, state, started_at: this.#startedAt, time: new Date().toISOString() },
      // The ownership knows them.
      partitions: [],
      ruleset: pool?.set.digest ?? null,
      refused_ruleset: this.refusedRuleSet,
      rules: pool === null ? [] : this.#rules(pool),
      disabled: [...(pool?.disabled ?? [])].map(([id, { reason, time }]) => ({ id, reason, time })),
      counters: this.#sums(pool),
      refused: [...this.#refused],
    };
  }

  #sums(pool: Pool | null): Record<string, number> {
    const sums = { ...this.#counters };
    for (const [counter, count] of Object.entries(pool?.counters() ?? {})) sums[counter] = (sums[counter] ?? 0) + count;
    return sums;
  }

  #rules(pool: Pool): RuleStatus[] {
    const units = [...pool.set.rules, ...pool.set.policies];
    return pool.counts().map(({ id, counts }, index) => {
      const unit = units[index]!;
      const rule = "severity" in unit ? unit : null;
      const disabled = pool.disabled.get(id);
      return {
        id,
        kind: rule === null ? "policy" : "rule",
        language: rule?.language ?? "rego",
        on: unit.on,
        severity: rule?.severity ?? null,
        title: unit.title,
        state: disabled === undefined ? "active" : "disabled",
        reason: disabled?.reason ?? null,
        evaluations: counts.evaluations,
        hits: counts.hits,
        errors: counts.errors,
        time_us: Math.round(counts.time_us),
        last_error: this.#lastError.get(id) ?? null,
        last_alert: this.#lastAlert.get(id) ?? null,
      };
    });
  }
}
