import type { RuleSetInfo } from "../../bus/types/rule-set.ts";
import { RuleErrors } from "../errors.ts";
import type { RuleProblem } from "../errors.ts";
import { loadRules } from "../load/load.ts";
import type { LoadedRules, LoadOptions } from "../load/load.ts";
import { Problems } from "../load/problems.ts";
import { encodeRuleSet } from "../model/rule-set.ts";
import { checkLoadedRego, compileRego } from "./compile-rego.ts";
import type { CompiledRego } from "./compile-rego.ts";
import { RegoCache } from "./rego-cache.ts";

export interface BuildOptions extends LoadOptions {
  /** A directory in which compiled Rego is kept from one build to the next. */
  cache?: string;
  /** False leaves enforcement policies out. */
  policies?: boolean;
}

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
export async function buildRuleSet(options: BuildOptions): Promise<BuiltRuleSet> {
  const problems = new Problems();
  const loaded = loadRules(options, problems);
  if (options.policies === false) loaded.policies = [];
  const compiled = await compileRego(loaded, problems, new RegoCache(options.cache ?? null));
  return finish(loaded, problems, compiled);
}

/** Everything that `buildRuleSet` would say, without building. @throws EngineError as it does */
export async function checkRules(options: LoadOptions): Promise<{ loaded: LoadedRules; problems: Problems }> {
  const problems = new Problems();
  const loaded = loadRules(options, problems);
  await checkLoadedRego(loaded, problems);
  problems.sort();
  return { loaded, problems };
}

function finish(loaded: LoadedRules, problems: Problems, compiled: CompiledRego | null): BuiltRuleSet {
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
