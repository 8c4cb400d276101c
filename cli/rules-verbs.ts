import { writeFileSync } from "node:fs";
import { buildRuleSet, check, formatProblem, list, RuleErrors, test } from "../rules/cli-api.ts";
import type { Config } from "../bus/config/settings.ts";
import type { BuildOptions, CheckOptions, RuleProblem, TestResult } from "../rules/cli-api.ts";
import { EXIT } from "./exit.ts";
import { loadFor } from "./load.ts";
import { document } from "./output/format.ts";
import { paintFor } from "./output/paint.ts";
import type { Paint } from "./output/paint.ts";
import { note, printLine } from "./output/print.ts";
import { safe } from "./output/safe.ts";
import { table } from "./output/table.ts";
import type { RulesFlags } from "./verbs/rules.ts";

/** Runs `reeve rules check|build|test|list|explain|push|history|rollback`; returns the exit code. Mistakes in rules are an answer, not an exception. */
export async function rulesAction(
  name: "check" | "build" | "test" | "list" | "explain" | "push" | "history" | "rollback",
  paths: readonly string[],
  flags: RulesFlags,
): Promise<number> {
  const { config } = loadFor({ ...flags });
  const options = rulesOptions(config, flags, config.rules.dirs);
  const json = flags.output === "json";
  try {
    if (name === "check") return await checkAction(options, json);
    if (name === "build") {
      const kept = flags.cache === undefined ? {} : { cache: flags.cache };
      return await buildAction({ ...options, ...kept, policies: flags.policies ?? true }, flags.out!, json);
    }
    if (name === "test") return await testAction(options, paths, json);
    if (name === "explain") return await (await import("./rules/explain.ts")).explainRule(paths[0]!, options, flags);
    if (name === "push") return await (await import("./rules/push.ts")).pushRules(paths, flags);
    if (name === "history") return await (await import("./rules/history.ts")).showHistory(flags);
    if (name === "rollback") return await (await import("./rules/history.ts")).rollBack(paths[0], flags);
    const files = flags.files === true || flags.rules !== undefined || !flags.shipped;
    if (!files && (await (await import("./rules/list.ts")).listLive(flags))) return EXIT.ok;
    return await listAction(options, json);
  } catch (error) {
    if (!(error instanceof RuleErrors)) throw error;
    const { problems: errors, warnings } = error;
    if (json) {
      const counts = name === "test" ? { passed: 0, failed: errors.length } : {};
      await printLine(document({ ...counts, errors, warnings }, "json"));
    } else sayProblems(errors, warnings);
    return EXIT.failed;
  }
}

/** What the rules are made of: these directories and bundles, with the key that bundles must be signed with. */
export function rulesOptions(config: Config, flags: RulesFlags, dirs: readonly string[]): CheckOptions {
  const { bundle_key, bundle_key_id, bundle_algorithm, bundle_scope } = config.rules;
  const key = flags.bundleKey ?? bundle_key;
  const bundleKey = {
    key,
    id: flags.bundleKeyId ?? bundle_key_id,
    algorithm: flags.bundleAlgorithm ?? bundle_algorithm,
    scope: flags.bundleScope ?? bundle_scope,
  };
  return { dirs, shipped: flags.shipped && config.rules.shipped, ...(key === "" ? {} : { bundleKey }) };
}

async function checkAction(options: CheckOptions, json: boolean): Promise<number> {
  const report = await check(options);
  if (json) await printLine(document(report, "json"));
  else {
    sayProblems(report.errors, report.warnings);
    const found = `${report.rules} rules, ${report.policies} policies`;
    const problems = `${report.errors.length} errors, ${report.warnings.length} warnings`;
    await printLine(`${found}: ${problems}`);
  }
  return report.ok ? EXIT.ok : EXIT.failed;
}

async function buildAction(options: BuildOptions, out: string, json: boolean): Promise<number> {
  const { bytes, digest, info, warnings } = await buildRuleSet(options);
  writeFileSync(out, bytes);
  const { rules, policies } = info;
  if (json) await printLine(document({ digest, rules, policies, warnings, bytes: bytes.length, out, info }, "json"));
  else {
    sayProblems([], warnings);
    await printLine(`${out}: ${rules} rules, ${policies} policies, ${bytes.length} bytes, ${digest}`);
  }
  return EXIT.ok;
}

async function testAction(options: CheckOptions, paths: readonly string[], json: boolean): Promise<number> {
  const report = await test(options, paths);
  if (json) await printLine(document(report, "json"));
  else {
    const paint = paintFor(process.stdout);
    for (const result of report.results) if (!result.passed) await printLine(failureText(result, paint));
    await printLine(`${report.passed} passed, ${report.failed} failed`);
  }
  return report.failed === 0 ? EXIT.ok : EXIT.failed;
}

/** A failed test: where it stands, then each reason in a line of its own. */
export function failureText(result: TestResult, paint: Paint): string {
  const place = `${result.file}${result.line === null ? "" : `:${result.line}`}`;
  const head = `${paint("red", "FAIL")} ${safe(place)}: ${result.rule ? `${safe(result.rule)}: ` : ""}${safe(result.name)}`;
  const reasons = result.reasons.flatMap((reason) => reason.split("\n"));
  return [head, ...reasons.map((reason) => `     ${safe(reason)}`)].join("\n");
}

async function listAction(options: CheckOptions, json: boolean): Promise<number> {
  const report = await list(options);
  if (json) await printLine(document(report, "json"));
  else {
    sayProblems(report.errors, []);
    const rows = report.rules.map((rule) => {
      const { id, kind, language, on, severity, file, line } = rule;
      return [safe(id), kind, language, on.join(","), severity ?? "", `${file}:${line}`];
    });
    await printLine(table([["ID", "KIND", "LANGUAGE", "ON", "SEVERITY", "FILE"], ...rows]));
  }
  return report.errors.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Errors and warnings in rules, on standard error. */
export function sayProblems(errors: readonly RuleProblem[], warnings: readonly RuleProblem[]): void {
  for (const problem of errors) note(`error: ${safe(formatProblem(problem))}`);
  for (const problem of warnings) note(`warning: ${safe(formatProblem(problem))}`);
}
