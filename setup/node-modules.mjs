import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { SetupError } from "./errors.mjs";
import { npmCommand } from "./npm-command.mjs";
import { runLogged } from "./run-command.mjs";

/**
 * The npm packages: `npm ci` when what is installed is not what package-lock.json says.
 * @param {import("./steps.mjs").Step} step
 * @param {{ repo: string }} options
 */
export async function nodeModules(step, options) {
  const wanted = readLock(join(options.repo, "package-lock.json"));
  if (wanted === undefined) throw new SetupError("node_modules", "package-lock.json cannot be read");
  const why = difference(wanted, readLock(join(options.repo, "node_modules/.package-lock.json")), HERE);
  if (why === undefined && existsSync(join(options.repo, "node_modules/.bin/node"))) return;

  step.doing(`installing the npm packages, Node 24 among them (${why ?? "Node 24 is missing"})`);
  const log = join(options.repo, ".reeve/log/npm-ci.log");
  // No package of ours needs its install script; dev and optional packages whatever NODE_ENV or .npmrc say.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--include=dev", "--include=optional"];
  const env = hostEnvironment(options.repo);
  const [npm, ...first] = await npmCommand({ repo: options.repo, log, env });
  const { status, tail } = await runLogged(npm, [...first, ...args], { log, cwd: options.repo, env });
  if (status === 127) {
    throw new SetupError("node_modules", "npm is missing", { help: "apt-get install npm" });
  }
  if (status !== 0) {
    throw new SetupError("node_modules", `npm ci failed:\n${tail}`, {
      help: "is the npm registry reachable from here? Then: npm ci --ignore-scripts",
    });
  }
  if (!existsSync(join(options.repo, "node_modules/.bin/node"))) {
    throw new SetupError("node_modules", `npm installed no Node 24 for linux-${process.arch}`, {
      help: "npm ci --ignore-scripts --include=optional",
    });
  }
  step.did("npm packages installed");
}

const HERE = { os: process.platform, cpu: process.arch, libc: "glibc" };

/**
 * Why the installed packages are not those of the lock file, or undefined when they are. Optional packages for other
 * machines (by os, cpu, libc) may be absent.
 * @param {Record<string, LockEntry>} wanted
 * @param {Record<string, LockEntry> | undefined} installed
 * @param {{ os: string, cpu: string, libc: string }} here
 * @typedef {{ version?: string, optional?: boolean, os?: string | string[], cpu?: string | string[], libc?: string | string[], link?: boolean }} LockEntry
 */
export function difference(wanted, installed, here) {
  if (installed === undefined) return "node_modules is missing";
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "" || entry.link) continue;
    const there = installed[path];
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    if (there === undefined) {
      const ours = allows(entry.os, here.os) && allows(entry.cpu, here.cpu) && allows(entry.libc, here.libc);
      if (entry.optional && (!ours || !constrained(entry))) continue;
      return `${name} is missing`;
    }
    if (there.version !== entry.version) return `${name} is ${there.version}, not ${entry.version}`;
  }
  return undefined;
}

/** @param {LockEntry} entry */
function constrained(entry) {
  return entry.os !== undefined || entry.cpu !== undefined;
}

/** npm takes a lone string too. @param {string | string[] | undefined} wanted @param {string} value */
function allows(wanted, value) {
  if (wanted === undefined || wanted.length === 0) return true;
  const list = typeof wanted === "string" ? [wanted] : wanted;
  if (list.includes(`!${value}`)) return false;
  const positive = list.filter((item) => !item.startsWith("!"));
  return positive.length === 0 || positive.includes(value);
}

/** @param {string} file @returns {Record<string, LockEntry> | undefined} */
function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** The environment without this tree's node_modules/.bin on PATH: npm must not run on a Node that it is about to delete. @param {string} repo */
function hostEnvironment(repo) {
  const dirs = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((dir) => !dir.startsWith(join(repo, "node_modules")));
  return { ...process.env, PATH: dirs.join(delimiter) };
}
