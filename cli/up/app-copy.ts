import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";

/** What engine, controller and nats-server need of the tree. */
const SOURCES = ["bus", "rules", "rego", "controller", "cli", "agent", "package.json"];
/** Large and rarely changed: only what differs by size or time is copied again. */
const KEPT = ["node_modules", ".reeve/bin"];

/**
 * A copy of the tree that anybody may read, for a clone that was made with a strict umask. Brings an older copy up to date;
 * sources are always copied anew, so that a deleted rule does not live on.
 */
export function copyApp(repo: string, to: string): void {
  mkdirSync(to, { recursive: true });
  const dev = developmentPackages(join(repo, "package-lock.json"));
  for (const name of SOURCES) rmSync(join(to, name), { recursive: true, force: true });
  for (const name of [...SOURCES, ...KEPT]) {
    const source = join(repo, name);
    if (!existsSync(source)) continue;
    cpSync(source, join(to, name), {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      filter: (from, target) => !dev.has(relative(repo, from)) && differs(from, target),
    });
  }
  openToOthers(to);
}

function differs(from: string, target: string): boolean {
  const a = lstatSync(from);
  if (a.isDirectory()) return true;
  const b = lstatSync(target, { throwIfNoEntry: false });
  // A symbolic link that is there is replaced by hand: cpSync refuses to.
  if (b && a.isSymbolicLink()) rmSync(target);
  return !b || a.isSymbolicLink() || a.size !== b.size || Math.abs(a.mtimeMs - b.mtimeMs) > 1;
}

function developmentPackages(lock: string): Set<string> {
  const { packages } = JSON.parse(readFileSync(lock, "utf8")) as { packages: Record<string, { dev?: boolean }> };
  return new Set(Object.keys(packages).filter((name) => packages[name]!.dev));
}

function openToOthers(dir: string): void {
  chmodSync(dir, 0o755);
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) openToOthers(path);
    else if (entry.isFile()) chmodSync(path, (lstatSync(path).mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}
