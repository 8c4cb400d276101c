import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EngineError } from "../errors.ts";
import { RegoProgram } from "../eval/rego-program.ts";
import type { LoadedRules } from "../load/load.ts";
import type { Problems } from "../load/problems.ts";
import { engineCapabilities, ENGINE_BUILTINS } from "./capabilities.ts";
import { checkRego, schemasFor } from "./check-rego.ts";
import { makeDispatch } from "./dispatch.ts";
import type { Dispatch } from "./dispatch.ts";
import { opaIdentity, runOpa } from "./opa.ts";
import { RegoCache } from "./rego-cache.ts";
import { stagedText, stageFiles } from "./stage.ts";
import type { Stage } from "./stage.ts";
import { unpackWasm } from "./unpack.ts";

export interface CompiledRego {
  wasm: Uint8Array;
  dispatch: Dispatch;
}

/** Checks the Rego of a set; what is wrong is added to `problems`. @throws EngineError `opa_missing`, `opa_failed` */
export async function checkLoadedRego(loaded: LoadedRules, problems: Problems): Promise<void> {
  if (loaded.rego.length > 0) await withStage(loaded, problems, new RegoCache(null), null);
}

/**
 * Checks and compiles the Rego of a set; null when there is none to evaluate, or something is wrong, which is then in
 * `problems`. What was compiled before from the very same, by the same opa, is taken from `cache`: it was checked then.
 * @throws EngineError `opa_missing`, `opa_failed`
 */
export async function compileRego(
  loaded: LoadedRules,
  problems: Problems,
  cache: RegoCache,
): Promise<CompiledRego | null> {
  if (loaded.rego.length === 0) return null;
  const rules = loaded.rules.filter((rule) => rule.language === "rego");
  const dispatch = makeDispatch(rules, loaded.policies);
  const from = {
    ...{ opa: opaIdentity(), builtins: [...ENGINE_BUILTINS].sort(), schemas: schemasFor(loaded), dispatch },
    sources: loaded.rego.map((source) => [source.name, stagedText(source)]),
  };
  const kept = cache.read("wasm", from);
  if (kept !== null) return { wasm: kept, dispatch };
  const wasm = await withStage(loaded, problems, cache, dispatch.source === null ? null : dispatch);
  if (wasm === null) return null;
  cache.write("wasm", from, wasm);
  return { wasm, dispatch };
}

/** Checks, and compiles at the same time when there is a dispatch: most of the time nothing is wrong. */
async function withStage(
  loaded: LoadedRules,
  problems: Problems,
  cache: RegoCache,
  dispatch: Dispatch | null,
): Promise<Uint8Array | null> {
  const stage = stageFiles(loaded.rego);
  try {
    const { text, lacking } = engineCapabilities(await currentCapabilities(stage, cache));
    stage.write("capabilities.json", text);
    const compiling = dispatch === null || problems.errors.length > 0 ? null : compile(stage, dispatch);
    const [checked, compiled] = await Promise.allSettled([checkRego(loaded, stage, lacking, problems), compiling]);
    if (checked.status === "rejected") throw checked.reason;
    if (problems.errors.length > 0) return null;
    if (compiled.status === "rejected") throw compiled.reason;
    return compiled.value;
  } finally {
    stage.remove();
  }
}

async function currentCapabilities(stage: Stage, cache: RegoCache): Promise<string> {
  const kept = cache.read("capabilities", opaIdentity());
  if (kept !== null) return kept.toString("utf8");
  const { stdout } = await runOpa(["capabilities", "--current"], stage.dir);
  cache.write("capabilities", opaIdentity(), Buffer.from(stdout));
  return stdout;
}

async function compile(stage: Stage, dispatch: Dispatch): Promise<Uint8Array> {
  // Not below src: that is being checked meanwhile.
  stage.write("dispatch/dispatch.rego", dispatch.source!);
  const args = [
    ...["build", "--target", "wasm", "--capabilities", "capabilities.json"],
    ...dispatch.entrypoints.flatMap((entry) => ["--entrypoint", entry]),
    ...["--output", "out.tar.gz", "src", "dispatch"],
  ];
  const { status, stdout, stderr } = await runOpa(args, stage.dir);
  if (status !== 0)
    throw new EngineError("opa_failed", `opa build failed: ${(stderr || stdout).trim().slice(0, 1000)}`);
  const wasm = unpackWasm(readFileSync(join(stage.dir, "out.tar.gz")));
  const unknown = RegoProgram.builtinsOf(wasm).filter((name) => !ENGINE_BUILTINS.has(name));
  if (unknown.length > 0)
    throw new EngineError("opa_failed", `the wasm calls builtins that the engine lacks: ${unknown.join(", ")}`);
  return wasm;
}
