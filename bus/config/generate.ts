// Writes bus/generated/config.schema.json and docs/configuration.md from the settings. `--check`: only says whether
// they are what they should be (exit code 1 when not).
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Schema } from "../schemas.ts";
import { isSetting, NAMED_SETTINGS, SETTINGS } from "./settings.ts";

const REPO = fileURLToPath(new URL("../..", import.meta.url));

/** The generated files by their path in the repository. */
export function generatedFiles(): Record<string, string> {
  return {
    "bus/generated/config.schema.json": `${JSON.stringify(configSchema(), null, 2)}\n`,
    "docs/configuration.md": configDocs(),
  };
}

/** JSON Schema (draft 07) of reeve.yaml. */
export function configSchema(): Schema {
  return { $schema: "http://json-schema.org/draft-07/schema#", title: "reeve.yaml", ...section(SETTINGS as never) };
}

function section(tree: Record<string, never>): Schema {
  const properties: Record<string, Schema> = {};
  for (const [key, it] of Object.entries<never>(tree)) properties[key] = isSetting(it) ? leaf(it) : section(it);
  return { type: "object", additionalProperties: false, properties };
}

function leaf(setting: (typeof NAMED_SETTINGS)[number]["setting"]): Schema {
  const fallback = setting.fallback === null ? {} : { default: setting.fallback };
  return { description: setting.help, ...setting.schema, ...fallback };
}

function configDocs(): string {
  const rows = NAMED_SETTINGS.map(({ name, env, flag, setting }) => {
    const fallback = setting.defaultText ?? `\`${JSON.stringify(setting.fallback)}\``;
    return `| \`${name}\` | ${setting.type} | ${fallback} | ${setting.help} | \`${env}\`, \`${flag}\` |`;
  });
  return [
    "# Configuration",
    "",
    "<!-- Made by bus/config/generate.ts from bus/config/settings.ts; do not edit. -->",
    "",
    "Every process reads the same settings: flags first, then `REEVE_*` variables, then `reeve.yaml` (`--config FILE`,",
    "`REEVE_CONFIG`, `./reeve.yaml` or `/etc/reeve/reeve.yaml`), then defaults. Dots are nesting in the file: `bus.port` is",
    "`port` under `bus`. `reeve config` prints what is in force and where each value came from. A key that does not exist is",
    "an error. `bus/generated/config.schema.json` is the JSON Schema, for editors.",
    "",
    "Durations are written as in Go (`10m`, `1h30m`, `250ms`), sizes with KB, MB, GB (powers of 1024). Lists in variables",
    "are separated by commas, or JSON; scopes and maps are JSON there. Relative paths belong to the directory of the file.",
    "",
    "| Setting | Kind | Default | Meaning | Variable, flag |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function main(check: boolean): number {
  let stale = 0;
  for (const [path, text] of Object.entries(generatedFiles())) {
    const file = join(REPO, path);
    const now = readOr(file);
    if (now === text) continue;
    if (check) {
      process.stderr.write(`${path} is ${now === null ? "missing" : "stale"}; run: npm run generate\n`);
      stale++;
    } else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      process.stdout.write(`wrote ${path}\n`);
    }
  }
  return stale > 0 ? 1 : 0;
}

function readOr(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw cause;
  }
}

if (import.meta.main) process.exitCode = main(process.argv.includes("--check"));
