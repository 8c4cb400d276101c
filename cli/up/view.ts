import { existsSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { CliError } from "../errors.ts";
import { EXIT } from "../exit.ts";
import { copyApp } from "./app-copy.ts";
import { Mirror } from "./mirror.ts";
import { coversFor, isUnder, orderMounts } from "./mounts.ts";
import type { Mount } from "./mounts.ts";
import { enterable, firstUnreadable } from "./readable.ts";

/** What the processes without rights see of the file system; all under its usual names, so that messages name real files. */
export interface View {
  mounts: Mount[];
  covers: string[];
  close(): Promise<void>;
}

export interface ViewOptions {
  /** The tree that Reeve runs from. */
  repo: string;
  rulesDirs: readonly string[];
  /** Where copies are put that have to be made: of rules, and of the tree. */
  runDir: string;
  dataDir: string;
  /** Programs that may lie elsewhere (node, nats-server, opa). */
  programs: readonly string[];
  say: (line: string) => void;
}

/**
 * Arranges the view: the tree and the rule directories as they are where others may read them, else copies of them that are
 * kept equal. Throws with code `rules_dir` for a directory that is not there.
 */
export async function arrangeView(options: ViewOptions): Promise<View> {
  const mirrors: Mirror[] = [];
  const mounts: Mount[] = [treeMount(options)];
  for (const [i, dir] of options.rulesDirs.entries()) {
    const real = realDirectory(dir);
    // A strict umask means that the next file saved there may be unreadable, even if all are readable now.
    if ((process.umask() & 0o004) === 0 && firstUnreadable(real, [".git"]) === undefined) {
      mounts.push({ to: real, from: real, writable: false });
      continue;
    }
    const copy = join(options.runDir, "rules", String(i));
    mirrors.push(await Mirror.start(real, copy, (error) => options.say(`rules: ${dir}: ${error.message}`)));
    mounts.push({ to: real, from: copy, writable: false });
  }
  for (const program of options.programs) {
    const real = realpathSync(program);
    if (mounts.some((mount) => isUnder(real, mount.to)) || reachable(real)) continue;
    mounts.push({ to: real, from: real, writable: false });
  }
  for (const dir of [options.runDir, options.dataDir]) {
    if (!reachable(dir)) mounts.push({ to: dir, from: dir, writable: true });
  }
  return {
    mounts: orderMounts(mounts),
    covers: coversFor(mounts, enterable),
    close: async () => {
      for (const mirror of mirrors) await mirror.close();
    },
  };
}

function treeMount(options: ViewOptions): Mount {
  const { repo } = options;
  const skip = [".git", "test", "docs", "deploy", ".ci", "bpf", ".reeve/log"];
  if (firstUnreadable(repo, skip) === undefined) return { to: repo, from: repo, writable: false };
  const copy = join(options.dataDir, "app");
  copyApp(repo, copy);
  // Rule directories of the tree are mounted over the copy, which is read-only by then.
  for (const dir of options.rulesDirs.map(realDirectory).filter((real) => isUnder(real, repo))) {
    mkdirSync(join(copy, relative(repo, dir)), { recursive: true });
  }
  return { to: repo, from: copy, writable: false };
}

/** The rule directory without links. Throws with code `rules_dir` when it is not there. */
export function realDirectory(dir: string): string {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) {
    throw new CliError("rules_dir", `rules directory ${dir} is not there`, {
      exit: EXIT.usage,
      help: "make it, or name another with --rules DIR",
    });
  }
  return realpathSync(dir);
}

function reachable(path: string): boolean {
  for (let dir = dirname(path); dir !== "/"; dir = dirname(dir)) if (!enterable(dir)) return false;
  return true;
}
