import { runOpa } from "../build/opa.ts";
import { stageFiles } from "../build/stage.ts";
import { EngineError } from "../errors.ts";
import type { LoadedRules } from "../load/load.ts";
import type { TestResult } from "./run-rule-tests.ts";

interface OpaTest {
  location: { file: string; row: number };
  package: string;
  name: string;
  fail?: boolean;
  skip?: boolean;
  error?: { message?: string };
}

/** Runs the `*_test.rego` of the rules by `opa test`, with their lists as `data.lists`. @throws EngineError `opa_failed` */
export async function runOpaTests(loaded: LoadedRules): Promise<TestResult[]> {
  if (loaded.regoTests.length === 0) return [];
  const stage = stageFiles([...loaded.rego, ...loaded.regoTests]);
  try {
    stage.write("src/data.json", JSON.stringify({ lists: loaded.lists }));
    const { status, stdout, stderr } = await runOpa(["test", "--format", "json", "src"], stage.dir);
    if (status !== 0 && !stdout.trim().startsWith("[")) {
      throw new EngineError("opa_failed", `opa test failed: ${(stderr || stdout).trim().slice(0, 1000)}`);
    }
    const tests = JSON.parse(stdout.trim() || "[]") as OpaTest[];
    return tests.filter((test) => test.skip !== true).map((test) => resultOf(test, loaded));
  } finally {
    stage.remove();
  }
}

function resultOf(test: OpaTest, loaded: LoadedRules): TestResult {
  const name = test.location.file.replace(/^\.?\/?src\//, "");
  const source = loaded.regoTests.find((file) => file.name === name);
  const failed = test.fail === true || test.error !== undefined;
  return {
    by: "opa",
    rule: test.package.replace(/^data\./, ""),
    name: test.name,
    file: source?.file ?? name,
    line: test.location.row,
    passed: !failed,
    reasons: failed ? [test.error?.message ?? "it is not true"] : [],
  };
}
