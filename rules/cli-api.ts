import { readFileSync, statSync } from "node:fs";
import { buildRuleSet, checkRules } from "./build/build.ts";
import { RuleErrors } from "./errors.ts";
import type { RuleProblem } from "./errors.ts";
import type { LoadOptions } from "./load/load.ts";
import { labelDirs, readSources } from "./load/files.ts";
import type { SourceFile } from "./load/files.ts";
import { Problems } from "./load/problems.ts";
import { decodeRuleSet } from "./model/rule-set.ts";
import type { TestResult } from "./testing/run-rule-tests.ts";

/** What `reeve rules check|build|test|list` do; the command line wires and prints it. */

export { buildRuleSet } from "./build/build.ts";
export { formatProblem, RuleErrors } from "./errors.ts";
export type { RuleProblem } from "./errors.ts";
export type { BuildOptions } from "./build/build.ts";
export type { LoadOptions } from "./load/load.ts";
export type { TestResult } from "./testing/run-rule-tests.ts";

export interface CheckReport {
  ok: boolean;
  rules: number;
  policies: number;
  errors: RuleProblem[];
  warnings: RuleProblem[];
}

/** Checks all that `rules build` would refuse or warn of. @throws EngineError `opa_missing`, `opa_failed` */
export async function check(options: LoadOptions): Promise<CheckReport> {
  const { loaded, problems } = await checkRules(options);
  return {
    ok: problems.errors.length === 0,
    rules: loaded.rules.length,
    policies: loaded.policies.length,
    errors: problems.errors,
    warnings: problems.warnings,
  };
}

/** A rule or policy as `rules list` shows it. */
export interface ListedRule {
  id: string;
  kind: "rule" | "policy";
  language: "jsonata" | "rego";
  on: string[];
  severity: string | null;
  title: string;
  tags: string[];
  exceptions: string[];
  file: string;
  line: number;
}

/** The rules and policies that would be loaded, as far as they can be read. */
export async function list(options: LoadOptions): Promise<{ rules: ListedRule[]; errors: RuleProblem[] }> {
  const { loaded, problems } = await checkRules(options);
  const rules = loaded.rules.map((rule): ListedRule => {
    const { id, language, on, severity, title, tags, file, line } = rule;
    return {
      id,
      kind: "rule",
      language,
      on,
      severity,
      title,
      tags,
      exceptions: rule.exceptions.map(({ name }) => name),
      file,
      line,
    };
  });
  const policies = loaded.policies.map(({ id, on, title, file, line }): ListedRule => {
    return { id, kind: "policy", language: "rego", on, severity: null, title, tags: [], exceptions: [], file, line };
  });
  return { rules: [...rules, ...policies], errors: problems.errors };
}

export interface TestReport {
  passed: number;
  failed: number;
  results: TestResult[];
}

/**
 * Runs the tests that lie with the rules (`*.test.yaml`, `*_test.rego`), or only the event files at `paths` (files or
 * directories).
 * @throws RuleErrors when the rules or the tests are not sound; EngineError `opa_missing`, `opa_failed`
 */
export async function test(options: LoadOptions, paths: readonly string[] = []): Promise<TestReport> {
  // Loaded here: what evaluates takes long to load, and a build, which a saved file waits for, needs none of it.
  const [{ readRuleTests }, { runRuleTests }, { runOpaTests }] = await Promise.all([
    import("./testing/rule-test.ts"),
    import("./testing/run-rule-tests.ts"),
    import("./testing/run-opa-tests.ts"),
  ]);
  const { bytes } = await buildRuleSet(options);
  const { loaded } = await checkRules(options);
  const problems = new Problems();
  const sources = paths.length === 0 ? loaded.tests : paths.flatMap((path) => testFilesAt(path, problems));
  const tests = sources.flatMap((source) => readRuleTests(source, problems));
  if (problems.errors.length > 0) throw new RuleErrors(problems.errors);
  const results = await runRuleTests(decodeRuleSet(bytes), tests);
  if (paths.length === 0) results.push(...(await runOpaTests(loaded)));
  const passed = results.filter((result) => result.passed).length;
  return { passed, failed: results.length - passed, results };
}

function testFilesAt(path: string, problems: Problems): SourceFile[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile()) return [{ file: path, name: path, text: readFileSync(path, "utf8"), role: "test" }];
  return labelDirs([path])
    .flatMap((dir) => readSources(dir, problems))
    .filter((source) => source.role === "test");
}
