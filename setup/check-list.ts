import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import type { CheckStep } from "./check-step.ts";
import { opaTally } from "./tally.ts";

/** The steps of `npm run check`: layout, lint, types, C, shell, Rego, and that what is generated is what is committed. */
export function checkSteps(repo: string): CheckStep[] {
  const bin = join(repo, "node_modules/.bin");
  const node = (name: string, args: string[], help: string): CheckStep => ({
    name,
    command: join(bin, "node"),
    args,
    help,
  });
  return [
    { name: "layout (oxfmt)", command: join(bin, "oxfmt"), args: ["--check"], help: "npm run format" },
    { name: "lint (oxlint, type-aware)", command: join(bin, "oxlint"), args: ["--deny-warnings"] },
    { name: "types (tsc)", command: join(bin, "tsc"), args: ["--noEmit", "-p", "."] },
    {
      name: "layout of C (clang-format)",
      command: "clang-format",
      args: ["--dry-run", "-Werror", ...filesUnder(repo, ["bpf", "test/programs", "test/guests"], /\.(c|h)$/)],
      help: "npm run format",
    },
    ...["setup/run.sh", "bin/reeve", "test/clone/run.sh", "deploy/image/libraries.sh"].map((file) => ({
      name: `shell (sh -n ${file})`,
      command: "sh",
      args: ["-n", file],
    })),
    node("generated events are fresh", ["bpf/gen/main.ts", "--check"], "npm run generate"),
    node("generated configuration is fresh", ["bus/config/generate.ts", "--check"], "npm run generate"),
    node("the selectors' document is fresh", ["bus/selector-fields/generate.ts", "--check"], "npm run generate"),
    node("the kernels' document is fresh", ["test/guests/document.ts", "--check"], "npm run generate"),
    {
      name: "layout of Rego (opa fmt)",
      command: "opa",
      args: ["fmt", "--fail", "--list", "rego", "examples", "policies"],
      help: "opa fmt -w rego examples policies",
    },
    {
      name: "Rego (opa check)",
      command: "opa",
      args: ["check", "--strict", "-s", "rego/schemas", "rego", "examples", "policies"],
    },
  ];
}

/** The tests that the shipped rules and the examples bring with them: Rego's by `opa test`, and the event files of both languages. */
export function ruleTestSteps(repo: string): CheckStep[] {
  return [
    {
      name: "Rego tests (opa test)",
      command: "opa",
      // Without the schemas: several files of JSON in one folder would be one document.
      args: ["test", "--format", "json", "--ignore", "*.json", "rego"],
      tally: (stdout) => opaTally(JSON.parse(stdout)),
    },
    {
      name: "rule tests (reeve rules test)",
      command: join(repo, "node_modules/.bin/node"),
      args: ["cli/main.ts", "rules", "test", "--rules", "examples/policies", "--rules", "policies", "-o", "json"],
      tally: (stdout) => {
        const report = JSON.parse(stdout) as { passed: number; failed: number };
        return { passed: report.passed, failed: report.failed, skipped: 0 };
      },
    },
  ];
}

function filesUnder(repo: string, dirs: string[], pattern: RegExp): string[] {
  const found: string[] = [];
  const look = (dir: string): void => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name !== "out") look(join(dir, entry.name));
      else if (pattern.test(entry.name)) found.push(relative(repo, join(dir, entry.name)));
    }
  };
  for (const dir of dirs) look(join(repo, dir));
  return found.sort();
}
