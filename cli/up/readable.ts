import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";

/** Whether others may enter a directory. False when it is not there. */
export function enterable(dir: string): boolean {
  try {
    return (statSync(dir).mode & 0o001) !== 0;
  } catch {
    return false;
  }
}

/**
 * The first thing below `dir` (itself included) that others may not read, or undefined when they may read all of it.
 * @param skip names of directories directly in `dir` that do not matter
 */
export function firstUnreadable(dir: string, skip: readonly string[] = []): string | undefined {
  const prune = skip.flatMap((name) => ["-path", `${dir}/${name}`, "-prune", "-o"]);
  const test = ["(", "-type", "d", "!", "-perm", "-005", "-o", "-type", "f", "!", "-perm", "-004", ")"];
  const found = execFileSync("find", [dir, ...prune, ...test, "-print", "-quit"], { encoding: "utf8" });
  return found === "" ? undefined : found.trimEnd();
}
