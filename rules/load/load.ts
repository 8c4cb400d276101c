import { lintRules } from "../lint/lint-rules.ts";
import type { Lists } from "../model/lists.ts";
import type { Policy, Rule } from "../model/rule.ts";
import { SHIPPED_PACKS, SHIPPED_REGO } from "../paths.ts";
import { isBundle, readBundle } from "./bundle.ts";
import { appendExceptions } from "./exceptions.ts";
import { labelDirs, readSources } from "./files.ts";
import type { SourceDir, SourceFile } from "./files.ts";
import { mergeLists } from "./lists.ts";
import type { Problems } from "./problems.ts";
import { readRegoFile } from "./rego-file.ts";
import { readYamlRules } from "./yaml-rule.ts";

export interface LoadOptions {
  /** The user's directories and OPA bundles, in order. */
  dirs: readonly string[];
  /** Whether what ships with Reeve is in it. */
  shipped: boolean;
  /** Digests of packed OPA bundles whose signatures were verified, by path. */
  verified?: ReadonlyMap<string, string>;
}

/** All that the directories hold, read and checked as far as it goes without opa. */
export interface LoadedRules {
  sources: SourceFile[];
  rules: Rule[];
  policies: Policy[];
  lists: Lists;
  rego: SourceFile[];
  tests: SourceFile[];
  regoTests: SourceFile[];
}

/** Reads the directories; everything that is wrong in any file is added to `problems`. */
export function loadRules(options: LoadOptions, problems: Problems): LoadedRules {
  const shipped: SourceDir[] = [
    { path: SHIPPED_PACKS, label: "packs" },
    { path: SHIPPED_REGO, label: "rego" },
  ];
  const own = labelDirs(
    options.dirs,
    shipped.map((dir) => dir.label),
  );
  const sources = [
    // The shipped libraries and lists are there for the user's rules even where the shipped rules are not wanted.
    ...shipped.flatMap((dir) => readSources(dir, problems)).filter((source) => options.shipped || isLibrary(source)),
    ...own.flatMap((dir) =>
      isBundle(dir.path) ? readBundle(dir, options.verified?.get(dir.path), problems) : readSources(dir, problems),
    ),
  ];
  const of = (role: SourceFile["role"]): SourceFile[] => sources.filter((source) => source.role === role);

  const yamlRules = of("rules").flatMap((source) => readYamlRules(source, problems));
  const regoFiles = of("rego").map((source) => readRegoFile(source, problems));
  const rules: Rule[] = yamlRules.map((loaded) => loaded.rule);
  const policies: Policy[] = [];
  for (const file of regoFiles) {
    if (file?.rule) rules.push(file.rule);
    if (file?.policy) policies.push(file.policy);
  }
  refuseTwice(rules, "rule", problems);
  refuseTwice(policies, "policy", problems);
  refuseSamePackage([...rules.filter((rule) => rule.language === "rego"), ...policies], problems);
  appendExceptions(of("exceptions"), rules, problems);
  lintRules(rules, yamlRules, problems);
  return {
    ...{ sources, rules, policies },
    lists: mergeLists(of("list"), problems),
    rego: of("rego"),
    tests: of("test"),
    regoTests: of("rego-test"),
  };
}

function isLibrary(source: SourceFile): boolean {
  return source.role === "list" || (source.role === "rego" && source.name.startsWith("rego/lib/"));
}

function refuseTwice(things: { id: string; file: string; line: number }[], what: string, problems: Problems): void {
  const first = new Map<string, { file: string; line: number }>();
  for (const { id, file, line } of things) {
    const before = first.get(id);
    if (before === undefined) first.set(id, { file, line });
    else {
      const text = `${what} "${id}" is defined already in ${before.file}:${before.line}`;
      problems.error({ file, line, rule: id }, text, "an id that no other has");
    }
  }
}

function refuseSamePackage(
  things: { id: string; package: string; file: string; line: number }[],
  problems: Problems,
): void {
  const first = new Map<string, { id: string; file: string }>();
  for (const thing of things) {
    const before = first.get(thing.package);
    if (before === undefined) first.set(thing.package, thing);
    else if (before.id !== thing.id) {
      const text = `package ${thing.package} is that of rule "${before.id}" in ${before.file}`;
      problems.error({ file: thing.file, line: thing.line, rule: thing.id }, text, "one package for each rule");
    }
  }
}
