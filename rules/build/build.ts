import type { RuleSetInfo } from "../../bus/types/rule-set.ts";
import { RuleErrors } from "../errors.ts";
import type { RuleProblem } from "../errors.ts";
import { loadRules } from "../load/load.ts";
import type { LoadedRules, LoadOptions } from "../load/load.ts";
import { Problems } from "../load/problems.ts";
import { encodeRuleSet } from "../model/rule-set.ts";
import type { RuleIndex } from "../model/rule-set.ts";
import { checkLoadedRego, compileRego } from "./compile-rego.ts";
import type { CompiledRego } from "./compile-rego.ts";
import { indexRules } from "./index-rules.ts";
import type { Residuals } from "./partial-rego.ts";
import { RegoCache } from "./rego-cache.ts";
import { verifyBundles } from "./verify-bundles.ts";
import type { BundleKey } from "./verify-bundles.ts";

export interface CheckOptions extends LoadOptions {
  /** With what OPA bundles must be signed; without it no signature is asked for. */
  bundleKey?: BundleKey;
}

export interface BuildOptions extends CheckOptions {
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
  const loaded = loadRules(await verified(options, problems), problems);
  if (options.policies === false) loaded.policies = [];
  const compiled = await compileRego(loaded, problems, new RegoCache(options.cache ?? null));
  const index = indexRules(loaded, compiled?.residuals ?? [], problems);
  return finish(loaded, problems, compiled, index);
}

/** Everything that `buildRuleSet` would say, without building. @throws EngineError as it does */
export async function checkRules(options: CheckOptions): Promise<{ loaded: LoadedRules; problems: Problems }> {
  const { loaded, problems, residuals } = await loadChecked(options);
  indexRules(loaded, residuals, problems);
  problems.sort();
  return { loaded, problems };
}

/** The rules, and what is left of their Rego without an event; whether they can be indexed is not asked. */
export async function loadChecked(
  options: CheckOptions,
): Promise<{ loaded: LoadedRules; problems: Problems; residuals: Residuals }> {
  const problems = new Problems();
  const loaded = loadRules(await verified(options, problems), problems);
  return { loaded, problems, residuals: await checkLoadedRego(loaded, problems) };
}

/** The sources that may be read: bundles with a signature that is not good are a problem. */
async function verified(options: CheckOptions, problems: Problems): Promise<LoadOptions> {
  if (options.bundleKey === undefined) return options;
  const { paths, verified } = await verifyBundles(options.dirs, options.bundleKey, problems);
  return { ...options, dirs: paths, verified };
}

function finish(
  loaded: LoadedRules,
  problems: Problems,
  compiled: CompiledRego | null,
  index: RuleIndex,
): BuiltRuleSet {
  problems.sort();
  if (problems.errors.length > 0) throw new RuleErrors(problems.errors, problems.warnings);
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
  const named = <T extends { file: string }>(thing: T): T => ({ ...thing, file: nameOf(loaded, thing.file) });
  const { bytes, digest } = encodeRuleSet({
    rules: loaded.rules.map((rule) => ({ ...named(rule), exceptions: rule.exceptions.map(named) })).sort(byId),
    policies: loaded.policies.map(named).sort(byId),
    lists: loaded.lists,
    index,
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
