import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Event, ProcessExecEvent } from "../../bus/generated/events.ts";
import { buildRuleSet } from "../../rules/build/build.ts";
import { RuleErrors } from "../../rules/errors.ts";
import type { RuleProblem } from "../../rules/errors.ts";
import { decodeRuleSet } from "../../rules/model/rule-set.ts";
import type { RuleSet } from "../../rules/model/rule-set.ts";
import { fillEvent } from "../../rules/testing/fill-event.ts";

/** A directory of rules that is gone when the test is over. */
export function rulesDir(files: Record<string, string>): { dir: string } & Disposable {
  const dir = mkdtempSync(join(tmpdir(), "reeve-test-rules-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

export async function build(
  files: Record<string, string>,
  shipped = false,
): Promise<{ bytes: Uint8Array; set: RuleSet; warnings: RuleProblem[] }> {
  using rules = rulesDir(files);
  const { bytes, warnings } = await buildRuleSet({ dirs: [rules.dir], shipped });
  return { bytes, set: decodeRuleSet(bytes), warnings };
}

/** What the build says of these files; file names are without their directory. */
export async function problemsOf(
  files: Record<string, string>,
): Promise<{ errors: RuleProblem[]; warnings: RuleProblem[] }> {
  using rules = rulesDir(files);
  const short = (problem: RuleProblem): RuleProblem => ({
    ...problem,
    file: problem.file?.replace(`${rules.dir}/`, "") ?? null,
  });
  try {
    const { warnings } = await buildRuleSet({ dirs: [rules.dir], shipped: false });
    return { errors: [], warnings: warnings.map(short) };
  } catch (thrown) {
    if (!(thrown instanceof RuleErrors)) throw thrown;
    return { errors: thrown.problems.map(short), warnings: thrown.warnings.map(short) };
  }
}

export function exec(over: object = {}, seq = 1): ProcessExecEvent {
  return fillEvent({ node: "web-1", ...over }, seq - 1) as ProcessExecEvent;
}

export function lines(...events: (Event | string)[]): Buffer {
  return Buffer.from(events.map((event) => (typeof event === "string" ? event : JSON.stringify(event))).join("\n"));
}

/** A rule that says of itself that it need not be indexed, so that any condition will do. */
export const yamlRule = (id: string, when: string, more = ""): string =>
  `id: ${id}\non: [process_exec]\nwhen: ${when}\nseverity: high\nmessage: "{{process.binary}} ran"\n${more}${more === "" || more.endsWith("\n") ? "" : "\n"}unindexed: true\n`;

export const regoRule = (id: string, body: string, more = ""): string =>
  `# METADATA
# title: Test
# custom: {id: ${id}, on: [process_exec], severity: critical, unindexed: true${more}}
package detections.${id.replaceAll("-", "_")}

${body}
`;
