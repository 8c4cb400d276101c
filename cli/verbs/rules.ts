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
    summary: "List the rules and policies that would be loaded.",
    examples: ["reeve rules list", "reeve rules list -o json | jq -r '.rules[].id'"],
  },
} as const;

export function rulesVerb(setExit: SetExit): Command {
  const group = new Command("rules").description("Check, build, test and list rules and policies.");
  for (const name of Object.keys(VERBS) as (keyof typeof VERBS)[]) group.addCommand(rulesCommand(name, setExit));
  return group;
}

function rulesCommand(name: keyof typeof VERBS, setExit: SetExit): Command {
  const { usage, summary, examples } = VERBS[name];
  const command = withRulesFlag(withConfigFlags(verb(usage, summary, examples)))
    .addOption(outputOption("text", "json"))
    .option("--no-shipped", "without the rules that come with Reeve");
  if (name === "build") {
    command
      .requiredOption("--out <file>", "where to write it")
      .option("--cache <dir>", "a directory that keeps compiled Rego from one build to the next")
      .option("--no-policies", "without enforcement policies")
      .option("--enforce", "build for enforce mode");
  }
  return command.action(async (...args: unknown[]) => {
    const paths = name === "test" ? (args[0] as string[]) : [];
    const flags = args[name === "test" ? 1 : 0] as RulesFlags;
    const { rulesAction } = await import("../rules-verbs.ts");
    setExit(await rulesAction(name, paths, flags));
  });
}
