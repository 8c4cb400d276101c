import { accessSync, constants, statSync } from "node:fs";
import { basename } from "node:path";
import { watch } from "chokidar";
import type { BuildMessage } from "../../bus/types/controller-status.ts";
import { codeOf, messageOf } from "../errors.ts";

/** What editors leave beside the file that is saved, and what no rule ever is. */
const IGNORED = /^\.|~$|^#.*#$|^4913$|\.(?:swp|swx|swo|tmp|bak)$|^node_modules$/;

export interface DirectoryWatch {
  /** Resolves when every directory is watched, or said to be unwatchable. */
  ready: Promise<void>;
  /** Watches a directory anew that could not be watched. */
  again: (directory: string) => void;
  close: () => Promise<void>;
}

/** Calls `onChange` for every file that appears, changes or goes below the directories; `onProblem` for what cannot be watched. */
export function watchDirectories(
  directories: readonly string[],
  onChange: (path: string) => void,
  onProblem: (error: unknown) => void,
): DirectoryWatch {
  const roots = new Set(directories);
  const watcher = watch([...directories], {
    ignoreInitial: true,
    // A directory of the user's may itself have a dotted name.
    ignored: (path) => !roots.has(path) && IGNORED.test(basename(path)),
    atomic: false,
  });
  watcher.on("all", (_event, path) => {
    onChange(path);
  });
  watcher.on("error", onProblem);
  const ready = new Promise<void>((resolve) => {
    watcher.on("ready", resolve);
  });
  return {
    ready,
    again: (directory) => {
      watcher.unwatch(directory);
      watcher.add(directory);
    },
    close: async () => {
      await watcher.close();
    },
  };
}

/** What keeps the controller from reading a rule directory, as a message of the build; undefined when nothing does. */
export function unreadable(directory: string): BuildMessage | undefined {
  const who = `uid ${process.geteuid?.() ?? "?"}`;
  const problem = (message: string, allowed: string): BuildMessage => ({
    ...{ file: directory, line: null, rule: null, message, allowed },
  });
  try {
    if (!statSync(directory).isDirectory()) return problem("is no directory", "a directory of rules in rules.dirs");
    accessSync(directory, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") {
      return problem(
        "does not exist",
        "an existing directory in rules.dirs; it is watched for and taken as soon as it is there",
      );
    }
    if (codeOf(cause) === "EACCES") {
      return problem(
        `cannot be read by the controller (${who})`,
        `a directory that ${who} may list and enter, and whose parents it may enter (chmod o+rx)`,
      );
    }
    return problem(messageOf(cause), "a readable directory");
  }
}
