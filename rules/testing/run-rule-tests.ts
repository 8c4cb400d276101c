import type { Alert } from "../../bus/types/alert.ts";
import type { RuleFailure } from "../eval/evaluator.ts";
import { Evaluator } from "../eval/evaluator.ts";
import { checkEvent } from "../eval/event-check.ts";
import type { RuleSet } from "../model/rule-set.ts";
import { didYouMean } from "../../bus/nearest.ts";
import type { Expectation, RuleTest } from "./rule-test.ts";

export interface TestResult {
  /** `rules` for an event file, `opa` for a Rego test. */
  by: "rules" | "opa";
  rule: string;
  name: string;
  file: string;
  line: number | null;
  passed: boolean;
  /** Why it failed; empty when it passed. */
  reasons: string[];
}

/** Runs the tests with the evaluators that the engine uses. Exceptions of the rules are in force; deduplication is not. */
export async function runRuleTests(set: RuleSet, tests: readonly RuleTest[]): Promise<TestResult[]> {
  const failures: RuleFailure[] = [];
  const evaluator = new Evaluator(set, {
    config: { enforce: false },
    memoryMb: 256,
    onError: (failure) => failures.push(failure),
  });
  const known = set.rules.map((rule) => rule.id);
  const results: TestResult[] = [];
  for (const { rule, name, events, expect, file, line } of tests) {
    const reasons: string[] = [];
    if (!known.includes(rule)) reasons.push(`there is no rule "${rule}"${didYouMean(rule, known)}`);
    else {
      for (const [index, event] of events.entries()) {
        failures.length = 0;
        const refused = checkEvent(event, event);
        if (refused !== null) {
          reasons.push(`event ${index + 1}: ${refused.reason}`);
          continue;
        }
        const { findings } = await evaluator.evaluate(event, Buffer.from(JSON.stringify(event)), true);
        const alert = findings.find((finding) => finding.alert.rule === rule)?.alert ?? null;
        const failure = failures.find(({ id }) => id === rule);
        const reason =
          failure === undefined
            ? difference(expect[index] ?? null, alert)
            : `the rule failed: ${failure.where}: ${failure.reason}`;
        if (reason !== null) reasons.push(`event ${index + 1}: ${reason}`);
      }
    }
    results.push({ by: "rules", rule, name, file, line, passed: reasons.length === 0, reasons });
  }
  return results;
}

function difference(expected: Expectation, alert: Alert | null): string | null {
  if (expected === null) return alert === null ? null : `an alert that is not expected: "${alert.message}"`;
  if (alert === null) return "no alert, one is expected";
  const { severity, message, tags } = expected;
  if (severity !== undefined && severity !== alert.severity)
    return `severity is ${alert.severity}, expected ${severity}`;
  if (message !== undefined && message !== alert.message) return `message is "${alert.message}", expected "${message}"`;
  const missing = tags?.filter((tag) => !alert.tags.includes(tag)) ?? [];
  return missing.length === 0 ? null : `tags lack ${missing.join(", ")}`;
}
