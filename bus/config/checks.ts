import { compileCheck, type Problem } from "../check.ts";
import { PARTITIONS } from "../partition.ts";
import { NAMED_SETTINGS } from "./settings.ts";

const compiled = new Map(NAMED_SETTINGS.map((it) => [it.name, compileCheck(it.setting.schema)]));

/** What is wrong with a written value, beyond its schema too. */
export function checkSetting(name: string, written: unknown): Problem[] {
  const problems = compiled.get(name)!(written);
  if (problems.length > 0) return problems;
  const at = (message: string, path: string[] = []): Problem[] => [{ path, field: "", message }];
  const shown = JSON.stringify(written);
  if (name === "agent.ring_mb" && !Number.isInteger(Math.log2(written as number))) {
    return at(`${shown} is not allowed; allowed: a power of two`);
  }
  if (name === "engine.partitions" && parsePartitions(written as string) === null) {
    return at(
      `${shown} is not allowed; allowed: numbers and ranges from 0 to ${PARTITIONS - 1}, such as 0-15 or 0,4-7`,
    );
  }
  if ((name === "node" || name === "instance") && !/^[^\s/]+$/.test(written as string)) {
    return at(`${shown} is not allowed; allowed: a name without spaces and slashes`);
  }
  if (name === "agent.own_cgroup" && !isOwnCgroup(written as string)) {
    return at(
      `${shown} is not allowed; allowed: a path from the root of the v2 hierarchy, such as /reeve, not the root`,
    );
  }
  if (name === "rules.bundle_servers") return bundleServerProblems(written as Record<string, Record<string, string>>);
  if (name === "agent.redact") return (written as string[]).flatMap((it, i) => regexProblem(it, i));
  return [];
}

/** It is made where it is not there, so what is meant as a path of the file system would be made somewhere else. */
function isOwnCgroup(written: string): boolean {
  return /^(\/[^/]+)+$/.test(written) && !/^\/(sys|proc)\//.test(written) && !/\/\.\.?(\/|$)/.test(written);
}

/** One way to prove who asks, complete. */
function bundleServerProblems(written: Record<string, Record<string, string>>): Problem[] {
  return Object.entries(written).flatMap(([name, server]) => {
    const has = (key: string): boolean => (server[key] ?? "") !== "";
    const at = (key: string, message: string): Problem[] => [{ path: [name, key], field: `${name}.${key}`, message }];
    if (!has("url"))
      return at("url", "is missing; allowed: the beginning of URLs, such as https://bundles.example.com/");
    const tokens = ["token_file", "token_env"].filter(has);
    const passwords = ["password_file", "password_env"].filter(has);
    const ways = "allowed: token_file or token_env; or user with password_file or password_env";
    if (has("user") ? tokens.length > 0 || passwords.length !== 1 : passwords.length > 0 || tokens.length !== 1)
      return at(has("user") ? "user" : (tokens[0] ?? passwords[0] ?? "token_file"), `is not one whole way; ${ways}`);
    return [];
  });
}

function regexProblem(written: string, index: number): Problem[] {
  try {
    void new RegExp(written);
    return [];
  } catch (cause) {
    return [
      { path: [String(index)], field: `[${index}]`, message: `not a regular expression: ${(cause as Error).message}` },
    ];
  }
}

/** The numbers in "0,4-7", rising, each once; null when it is not of that form or out of range. */
export function parsePartitions(written: string): number[] | null {
  const found = new Set<number>();
  for (const part of written.split(",")) {
    const ends = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part);
    if (ends === null) return null;
    const [low, high] = [Number(ends[1]), Number(ends[2] ?? ends[1])];
    if (low > high || high >= PARTITIONS) return null;
    for (let number = low; number <= high; number++) found.add(number);
  }
  return [...found].sort((a, b) => a - b);
}
