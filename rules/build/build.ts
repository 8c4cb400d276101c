import { join } from "node:path";
import { readFileSync } from "node:fs";
import type { RuleSetInfo } from "../../bus/types/rule-set.ts";
import { EngineError, RuleErrors } from "../errors.ts";
import type { RuleProblem } from "../errors.ts";
import { RegoProgram } from "../eval/rego-program.ts";
import { loadRules } from "../load/load.ts";
import type { LoadedRules, LoadOptions } from "../load/load.ts";
import { Problems } from "../load/problems.ts";
import { encodeRuleSet } from "../model/rule-set.ts";
import { engineCapabilities, ENGINE_BUILTINS } from "./capabilities.ts";
import { checkRego } from "./check-rego.ts";
import { makeDispatch } from "./dispatch.ts";
import type { Dispatch } from "./dispatch.ts";
import { runOpa } from "./opa.ts";
import { stageFiles } from "./stage.ts";
import type { Stage } from "./stage.ts";
import { unpackWasm } from "./unpack.ts";

export interface BuiltRuleSet {
  bytes: Uint8Array;
  digest: string;
  info: RuleSetInfo;
  warnings: RuleProblem[];
}

/**
 * Builds one rule set from directories: the same files give the same bytes on any machine.
 * @throws RuleErrors with everything that is wrong, and the warnings; EngineError `opa_missing`, `opa_failed`
 */
export async function buildRuleSet(options: LoadOptions): Promise<BuiltRuleSet> {
  const problems = new Problems();
  const loaded = loadRules(options, problems);
  const wasm = await withCheckedRego(loaded, problems, (stage, dispatch) => compile(stage, dispatch));
  return finish(loaded, problems, wasm);
}

/** Everything that `buildRuleSet` would say, without building. @throws EngineError as it does */
export async function checkRules(options: LoadOptions): Promise<{ loaded: LoadedRules; problems: Problems }> {
  const problems = new Problems();
  const loaded = loadRules(options, problems);
  await withCheckedRego(loaded, problems, async () => null);
  problems.sort();
  return { loaded, problems };
}

async function withCheckedRego<T>(
  loaded: LoadedRules,
  problems: Problems,
  then: (stage: Stage, dispatch: Dispatch) => Promise<T>,
): Promise<T | null> {
  if (loaded.rego.length === 0) return null;
  const stage = stageFiles(loaded.rego);
  try {
    const { stdout } = await runOpa(["capabilities", "--current"], stage.dir);
    const { text, lacking } = engineCapabilities(stdout);
    stage.write("capabilities.json", text);
    await checkRego(loaded, stage, lacking, problems);
    if (problems.errors.length > 0) return null;
    const dispatch = makeDispatch(
      loaded.rules.filter((rule) => rule.language === "rego"),
      loaded.policies,
    );
    return dispatch.source === null ? null : await then(stage, dispatch);
  } finally {
    stage.remove();
  }
}

async function compile(stage: Stage, dispatch: Dispatch): Promise<{ wasm: Uint8Array; dispatch: Dispatch }> {
  stage.write("src/reeve/dispatch.rego", dispatch.source!);
  const entrypoints = dispatch.entrypoints.flatMap((entry) => ["--entrypoint", entry]);
  const args = [
    "build",
    "--target",
    "wasm",
    "--capabilities",
    "capabilities.json",
    ...entrypoints,
    "--output",
    "out.tar.gz",
    "src",
  ];
  const { status, stdout, stderr } = await runOpa(args, stage.dir);
  if (status !== 0)
    throw new EngineError("opa_failed", `opa build failed: ${(stderr || stdout).trim().slice(0, 1000)}`);
  const wasm = unpackWasm(readFileSync(join(stage.dir, "out.tar.gz")));
  const unknown = RegoProgram.builtinsOf(wasm).filter((name) => !ENGINE_BUILTINS.has(name));
  if (unknown.length > 0)
    throw new EngineError("opa_failed", `the wasm calls builtins that the engine lacks: ${unknown.join(", ")}`);
  return { wasm, dispatch };
}

function finish(
  loaded: LoadedRules,
  problems: Problems,
  compiled: { wasm: Uint8Array; dispatch: Dispatch } | null,
): BuiltRuleSet {
  problems.sort();
  if (problems.errors.length > 0) throw new RuleErrors(problems.errors, problems.warnings);
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
  const named = <T extends { file: string }>(thing: T): T => ({ ...thing, file: nameOf(loaded, thing.file) });
  const { bytes, digest } = encodeRuleSet({
    rules: loaded.rules.map((rule) => ({ ...named(rule), exceptions: rule.exceptions.map(named) })).sort(byId),
    policies: loaded.policies.map(named).sort(byId),
    lists: loaded.lists,
    entries: compiled?.dispatch.entries ?? {},
    wasm: compiled?.wasm ?? null,
  });
  const info = {
    digest,
    built_at: new Date().toISOString(),
    rules: loaded.rules.length,
    policies: loaded.policies.length,
    sources: loaded.sources.map((source) => source.name),
  };
  return { bytes, digest, info, warnings: problems.warnings };
}

/** The name of a file that is the same on any machine. */
function nameOf(loaded: LoadedRules, file: string): string {
  return loaded.sources.find((source) => source.file === file)?.name ?? file;
}
