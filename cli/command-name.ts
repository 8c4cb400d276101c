import { existsSync, realpathSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { repoDir } from "./repo.ts";

/** Where the person stands: npm runs its scripts in the directory of the package. */
function whereabouts(env: NodeJS.ProcessEnv): string {
  return (env["npm_lifecycle_event"] ? env["INIT_CWD"] : undefined) ?? process.cwd();
}

/**
 * What to type for this command line: `reeve` where that is found on PATH and is this one, else the way to `bin/reeve` from
 * where the person stands, or its whole path when that is shorter.
 */
export function commandName(env: NodeJS.ProcessEnv = process.env, cwd = whereabouts(env), repo = repoDir()): string {
  const launcher = join(repo, "bin/reeve");
  // An image has a launcher of its own, on PATH.
  if (
    !existsSync(launcher) ||
    (env["PATH"] ?? "").split(delimiter).some((dir) => leadsTo(join(dir, "reeve"), launcher))
  )
    return "reeve";
  const way = relative(cwd, launcher);
  const near = way.includes("/") ? way : `./${way}`;
  const name = near.length < launcher.length ? near : launcher;
  return /^[\w./-]+$/.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`;
}

function leadsTo(path: string, launcher: string): boolean {
  try {
    return realpathSync(path) === launcher;
  } catch {
    return false;
  }
}
