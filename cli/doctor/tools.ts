import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { missing, ok } from "./check.ts";
import type { Check } from "./check.ts";

/** Programs and files that `reeve up` needs. `repo` is the tree that Reeve runs from. */
export function toolChecks(repo: string, ownBus: boolean): Check[] {
  const path = `${join(repo, ".reeve/bin")}${delimiter}${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;
  return [
    tool(path, "opa", ["version"], "npm run setup (in the tree of Reeve)"),
    tool(path, "nats-server", ["--version"], "npm run setup, or reeve up --nats URL with a server of your own", ownBus),
    tool(path, "setpriv", ["--version"], "apt-get install util-linux"),
    tool(path, "unshare", ["--version"], "apt-get install util-linux"),
    libbpf(),
    objects(join(repo, "bpf/out"), join(repo, "bpf")),
  ];
}

function tool(path: string, name: string, ask: string[], help: string, required = true): Check {
  for (const dir of path.split(delimiter)) {
    const file = join(dir, name);
    if (dir === "" || !executable(file)) continue;
    try {
      const answer = execFileSync(file, ask, { encoding: "utf8", timeout: 10_000, stdio: ["ignore", "pipe", "pipe"] });
      const version = /\d+\.\d+(\.\d+)?/.exec(answer)?.[0] ?? "";
      return ok(name, `${version} (${file})`, required);
    } catch (error) {
      return missing(name, `${file} does not run: ${(error as Error).message.split("\n")[0]}`, help, required);
    }
  }
  return missing(name, "not in .reeve/bin and not on PATH", help, required);
}

function libbpf(): Check {
  const dirs = ["/usr/lib", "/lib", "/usr/lib64", "/lib64", "/usr/local/lib"];
  for (const base of ["/usr/lib", "/lib"]) {
    for (const entry of list(base)) if (entry.endsWith("-linux-gnu")) dirs.push(join(base, entry));
  }
  const found = dirs.map((dir) => join(dir, "libbpf.so.1")).find((file) => existsSync(file));
  return found ? ok("libbpf", found) : missing("libbpf", "libbpf.so.1 is not there", "apt-get install libbpf1");
}

function objects(out: string, source: string): Check {
  const wanted = list(source)
    .filter((name) => name.endsWith(".bpf.c"))
    .map((name) => name.replace(/\.c$/, ".o"));
  const lacking = wanted.filter((name) => !existsSync(join(out, name)));
  if (wanted.length > 0 && lacking.length === 0) return ok("BPF objects", `${wanted.length} in ${out}`);
  return missing("BPF objects", `missing: ${lacking.join(", ") || "all"}`, "npm run setup, or: node bpf/build.mjs");
}

/** The soft limit of open files of this process: nats-server and the engine want a few thousand. */
export function fileLimit(limits = readFileSync("/proc/self/limits", "utf8")): Check {
  const found = /^Max open files\s+(\S+)/m.exec(limits)?.[1] ?? "0";
  const count = found === "unlimited" ? Infinity : Number(found);
  if (count >= 1024) return ok("open files", `limit ${found}`);
  return missing("open files", `limit ${found}`, "ulimit -n 4096", false);
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
