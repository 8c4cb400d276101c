import { writeFileSync } from "node:fs";
import { buildRuleSet, check, formatProblem, list, RuleErrors, test } from "../rules/cli-api.ts";
import type { BuildOptions, LoadOptions, RuleProblem, TestResult } from "../rules/cli-api.ts";
import { EXIT } from "./exit.ts";
import { loadFor } from "./load.ts";
import { document } from "./output/format.ts";
import { paintFor } from "./output/paint.ts";
import type { Paint } from "./output/paint.ts";
import { note, printLine } from "./output/print.ts";
import { safe } from "./output/safe.ts";
import { table } from "./output/table.ts";
import type { RulesFlags } from "./verbs/rules.ts";

/** Runs `reeve rules check|build|test|list`; returns the exit code. Mistakes in rules are an answer, not an exception. */
export async function rulesAction(
  name: "check" | "build" | "test" | "list",
  paths: readonly string[],
  flags: RulesFlags,
): Promise<number> {
  const { config } = loadFor({ ...flags });
  const options = { dirs: config.rules.dirs, shipped: flags.shipped && config.rules.shipped };
  const json = flags.output === "json";
  try {
    if (name === "check") return await checkAction(options, json);
    if (name === "build") {
      const kept = flags.cache === undefined ? {} : { cache: flags.cache };
      return await buildAction({ ...options, ...kept, policies: flags.policies ?? true }, flags.out!, json);
    }
    if (name === "test") return await testAction(options, paths, json);
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

async function checkAction(options: LoadOptions, json: boolean): Promise<number> {
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

async function testAction(options: LoadOptions, paths: readonly string[], json: boolean): Promise<number> {
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

async function listAction(options: LoadOptions, json: boolean): Promise<number> {
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

function sayProblems(errors: readonly RuleProblem[], warnings: readonly RuleProblem[]): void {
  for (const problem of errors) note(`error: ${safe(formatProblem(problem))}`);
  for (const problem of warnings) note(`warning: ${safe(formatProblem(problem))}`);
}
