import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { unpackedName } from "./bundle.ts";
import type { Problems } from "./problems.ts";

/** A file of a rule directory. `name` is the same on any machine (`policies/web/x.yaml`), `file` is as the user wrote it. */
export interface SourceFile {
  file: string;
  name: string;
  text: string;
  role: "rules" | "list" | "exceptions" | "test" | "rego" | "rego-test";
}

/** A directory of rules and the name it goes by in a rule set. */
export interface SourceDir {
  path: string;
  label: string;
}

/** Gives each directory a label: its own name, with a number where two have the same. */
export function labelDirs(paths: readonly string[], taken: readonly string[] = []): SourceDir[] {
  const used = new Set(taken);
  return paths.map((path) => {
    const base = unpackedName(basename(path.replace(/\/+$/, ""))) || "rules";
    let label = base;
    for (let n = 2; used.has(label); n++) label = `${base}-${n}`;
    used.add(label);
    return { path, label };
  });
}

/**
 * Reads all rule files below a directory, in the order of their names. Hidden files and folders are passed over.
 * What a file is for follows from where it lies and how it is called: `lists/*`, `exceptions/*`, `*.test.yaml`,
 * `*_test.rego`, else rules.
 */
export function readSources(dir: SourceDir, problems: Problems): SourceFile[] {
  const found: SourceFile[] = [];
  const look = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const file = join(path, entry.name);
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat?.isDirectory()) look(file);
      else if (stat?.isFile()) {
        const name = relative(dir.path, file).split(sep).join("/");
        const role = roleOf(name);
        if (role !== null) found.push({ file, name: `${dir.label}/${name}`, text: readFileSync(file, "utf8"), role });
      }
    }
  };
  try {
    if (statSync(dir.path).isDirectory()) look(dir.path);
    else problems.error({ file: dir.path, line: null, rule: null }, "is not a directory", "a directory of rules");
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : String(cause);
    problems.error({ file: dir.path, line: null, rule: null }, reason, "a directory of rules that can be read");
  }
  return found;
}

function roleOf(name: string): SourceFile["role"] | null {
  const file = name.split("/").at(-1)!;
  if (file.endsWith(".rego")) return file.endsWith("_test.rego") ? "rego-test" : "rego";
  const yaml = /\.ya?ml$/.test(file);
  const folders = new Set(name.split("/").slice(0, -1));
  if (folders.has("schemas")) return null;
  if ((yaml || file.endsWith(".json")) && folders.has("lists")) return "list";
  if (!yaml) return null;
  if (/\.test\.ya?ml$/.test(file)) return "test";
  return folders.has("exceptions") ? "exceptions" : "rules";
}
