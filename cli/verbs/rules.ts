import { Command } from "commander";
import { withConfigFlags, withRulesFlag } from "../config-options.ts";
import { outputOption } from "../output/format.ts";
import type { SetExit } from "../program.ts";
import { verb } from "./verb.ts";

export interface RulesFlags {
  output: "text" | "json";
  rules?: string[];
  shipped: boolean;
  out?: string;
  cache?: string;
  policies?: boolean;
  enforce?: boolean;
  files?: boolean;
  bundleKey?: string;
  bundleKeyId?: string;
  bundleAlgorithm?: string;
  bundleScope?: string;
}

const VERBS = {
  check: {
    usage: "check",
    summary: "Check rules, policies and lists, and name every mistake with file, line and what is allowed.",
    examples: ["reeve rules check --rules ./policies"],
  },
  build: {
    usage: "build",
    summary: "Build the rule set: one file with all that an engine needs.",
    examples: ["reeve rules build --rules ./policies --out ruleset.reeve"],
  },
  test: {
    usage: "test [paths...]",
    summary: "Run rule tests ({rule, events, expect} in YAML) and opa test; without paths, those of all rules loaded.",
    examples: ["reeve rules test", "reeve rules test ./policies/tests/curl.yaml -o json"],
  },
  list: {
    usage: "list",
    summary:
      "List the rules and policies in force with what they found, what they cost and when they last alerted; with --files, or where no Reeve runs, those that would be loaded.",
    examples: ["reeve rules list", "reeve rules list -o json | jq -r '.rules[].id'", "reeve rules list --files"],
  },
  explain: {
    usage: "explain <rule>",
    summary:
      "Tell by what a rule is found among events, what of its condition is not known before it is evaluated, what it costs, and, where a Reeve runs, what share of the retained events it concerns.",
    examples: ["reeve rules explain exec-from-tmp", "reeve rules explain my-rule --rules ./policies -o json"],
  },
  push: {
    usage: "push <dirs...>",
    summary:
      "Check and build the rules in these directories (OPA bundles too), and put them in force on every engine; what does not check is refused as a whole.",
    examples: ["reeve rules push ./policies", "reeve rules push bundle.tar.gz --no-shipped"],
  },
  history: {
    usage: "history",
    summary: "List the rule sets that were in force, the newest first.",
    examples: ["reeve rules history", "reeve rules history -o json"],
  },
  rollback: {
    usage: "rollback [digest]",
    summary: "Put the rule set in force that was it before, or the one whose digest begins so.",
    examples: ["reeve rules rollback", "reeve rules rollback 3f2a91"],
  },
} as const;

export function rulesVerb(setExit: SetExit): Command {
  const group = new Command("rules").description(
    "Check, build, test, list, explain and push rules and policies, and go back.",
  );
  for (const name of Object.keys(VERBS) as (keyof typeof VERBS)[]) group.addCommand(rulesCommand(name, setExit));
  return group;
}

function rulesCommand(name: keyof typeof VERBS, setExit: SetExit): Command {
  const { usage, summary, examples } = VERBS[name];
  const command = withRulesFlag(withConfigFlags(verb(usage, summary, examples)))
    .addOption(outputOption("text", "json"))
    .option("--no-shipped", "without the rules that come with Reeve")
    .option("--bundle-key <file>", "public key (PEM) that OPA bundles must be signed with (default: rules.bundle_key)")
    .option("--bundle-key-id <id>", "its name in the signatures (default: rules.bundle_key_id)")
    .option("--bundle-algorithm <name>", "algorithm of the signatures (default: rules.bundle_algorithm)")
    .option("--bundle-scope <scope>", "scope that the signatures must have (default: rules.bundle_scope)");
  if (name === "build") {
    command
      .requiredOption("--out <file>", "where to write it")
      .option("--cache <dir>", "a directory that keeps compiled Rego from one build to the next")
      .option("--no-policies", "without enforcement policies")
      .option("--enforce", "build for enforce mode");
  }
  if (name === "list") command.option("--files", "those that would be loaded from the rule directories");
  const takes = /[<[]/.test(usage);
  return command.action(async (...args: unknown[]) => {
    const paths = takes ? [args[0] ?? []].flat().map(String) : [];
    const flags = args[takes ? 1 : 0] as RulesFlags;
    const { rulesAction } = await import("../rules-verbs.ts");
    setExit(await rulesAction(name, paths, flags));
  });
}
