import type { Alert } from "../../bus/types/alert.ts";
import type { EngineStatus, RuleStatus } from "../../bus/types/engine-status.ts";
import type { RuleFailure } from "../eval/evaluator.ts";
import type { MessageResult } from "../eval/message.ts";
import type { RuleHost } from "./rule-host.ts";

const REFUSED_MAX = 20;

/** What the engine counted; nothing that is refused, failed or left out goes without a number here. */
export class Statistics {
  readonly counters: Record<string, number> = {};
  readonly #startedAt = new Date().toISOString();
  readonly #lastAlert = new Map<string, string>();
  readonly #lastError = new Map<string, string>();
  readonly #refused: EngineStatus["refused"] = [];
  refusedRuleSet: EngineStatus["refused_ruleset"] = null;

  add(counter: string, amount = 1): void {
    this.counters[counter] = (this.counters[counter] ?? 0) + amount;
  }

  evaluated(subject: string, result: MessageResult): void {
    this.add("events", result.events);
    this.add("findings", result.findings.length);
    for (const [code, count] of Object.entries(result.refused)) {
      this.add("refused", count);
      this.add(`refused_${code}`, count);
    }
    if (result.refusal !== null) this.refuse(subject, result.refusal);
  }

  refuse(subject: string, reason: string): void {
    this.#refused.unshift({ time: new Date().toISOString(), subject, reason });
    this.#refused.splice(REFUSED_MAX);
  }

  alerted(alert: Alert): void {
    this.#lastAlert.set(alert.rule, new Date().toISOString());
  }

  failed(failure: RuleFailure): void {
    this.add("rule_errors");
    this.#lastError.set(failure.id, `${failure.where}: ${failure.reason} (event ${failure.event})`);
  }

  status(name: string, state: EngineStatus["state"], version: string, host: RuleHost | null): EngineStatus {
    return {
      ...{ name, version, state, started_at: this.#startedAt, time: new Date().toISOString() },
      // The bus's side knows them.
      partitions: [],
      ruleset: host?.set.digest ?? null,
      refused_ruleset: this.refusedRuleSet,
      rules: host === null ? [] : this.#rules(host),
      disabled: [...(host?.disabled ?? [])].map(([id, { reason, time }]) => ({ id, reason, time })),
      counters: { ...this.counters },
      refused: [...this.#refused],
    };
  }

  #rules(host: RuleHost): RuleStatus[] {
    const units = [...host.set.rules, ...host.set.policies];
    return host.counts().map(({ id, counts }, index) => {
      const unit = units[index]!;
      const rule = "severity" in unit ? unit : null;
      const disabled = host.disabled.get(id);
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
