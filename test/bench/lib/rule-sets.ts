import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildRuleSet } from "../../../rules/build/build.ts";
import { decodeRuleSet } from "../../../rules/model/rule-set.ts";
import type { RuleSet } from "../../../rules/model/rule-set.ts";
import { unindexableRules } from "./sigma-rules.ts";
import type { BenchRule } from "./sigma-rules.ts";

/** `both`: every second rule in Rego, the others in JSONata, and what ships with Reeve. */
export type Languages = "both" | "jsonata" | "rego";

/** Builds the rules as `reeve rules build` does. `unindexable` adds rules that no index can hold. */
export async function buildBenchSet(
  rules: readonly BenchRule[],
  languages: Languages,
  unindexable = false,
): Promise<RuleSet> {
  const dir = mkdtempSync(join(tmpdir(), "reeve-bench-rules-"));
  try {
    for (const [n, rule] of rules.entries())
      write(dir, rule, languages === "both" ? (n % 2 === 0 ? "jsonata" : "rego") : languages, false);
    if (unindexable)
      for (const rule of unindexableRules()) write(dir, rule, languages === "rego" ? "rego" : "jsonata", true);
    const { bytes } = await buildRuleSet({ dirs: [dir], shipped: languages === "both", policies: false });
    return decodeRuleSet(bytes);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function write(dir: string, rule: Omit<BenchRule, "match">, language: "jsonata" | "rego", unindexed: boolean): void {
  mkdirSync(join(dir, language), { recursive: true });
  const text = language === "jsonata" ? yamlOf(rule, unindexed) : regoOf(rule, unindexed);
  writeFileSync(join(dir, language, `${rule.id}.${language === "jsonata" ? "yaml" : "rego"}`), text);
}

function yamlOf({ id, jsonata }: Omit<BenchRule, "match">, unindexed: boolean): string {
  const when = JSON.stringify(jsonata);
  return `id: ${id}\ntitle: ${id}\non: [process_exec]\nwhen: ${when}\nseverity: medium\nmessage: "{{process.binary}} {{process.arguments}}"\nunindexed: ${unindexed}\n`;
}

function regoOf({ id, rego }: Omit<BenchRule, "match">, unindexed: boolean): string {
  const name = id.replaceAll("-", "_");
  return `# METADATA
# title: ${id}
# custom: {id: ${id}, on: [process_exec], severity: medium, unindexed: ${unindexed}}
package detections.${name}

alert contains {"message": message} if {
	${rego}
	message := sprintf("%s %s", [input.process.binary, input.process.arguments])
}
`;
}
