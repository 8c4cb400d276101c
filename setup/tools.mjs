import { chmodSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./errors.mjs";
import { findOnPath } from "./needs.mjs";
import { fetchRelease } from "./release.mjs";
import { ask, runLogged } from "./run-command.mjs";
import { TOOLS } from "./tool-list.mjs";
import { parseVersion, serves } from "./version.mjs";

/**
 * opa and nats-server: from .reeve/bin or PATH when the version serves, else `go install`, else the official binary.
 * @param {import("./steps.mjs").Step} step
 * @param {{ repo: string }} options
 */
export async function tools(step, options) {
  const bin = join(options.repo, ".reeve/bin");
  const done = [];
  for (const tool of TOOLS) {
    const there = findServing(tool, bin);
    if (there.file !== undefined) continue;
    done.push(await install(step, tool, bin, there.found));
  }
  if (done.length > 0) step.did(done.join("; "));
}

/**
 * The binary of a tool that serves, looked for in .reeve/bin, then on PATH; `found` says what was there and did not serve.
 * @param {import("./tool-list.mjs").Tool} tool
 * @param {string} bin
 */
export function findServing(tool, bin) {
  let found = `no ${tool.name} on PATH`;
  for (const file of [findOnPath(tool.name, bin), findOnPath(tool.name)]) {
    if (file === undefined) continue;
    const answer = ask(file, tool.ask) ?? "";
    if (serves(answer, tool.version)) return { file, found };
    found = `${file} is ${parseVersion(answer)?.join(".") ?? "of an unknown version"}`;
  }
  return { file: undefined, found };
}

/**
 * @param {import("./steps.mjs").Step} step
 * @param {import("./tool-list.mjs").Tool} tool
 * @param {string} bin
 * @param {string} found
 */
async function install(step, tool, bin, found) {
  // Built aside and renamed, so that an interrupted set-up leaves no half of a binary behind.
  const aside = `${bin}.new-${process.pid}`;
  mkdirSync(bin, { recursive: true });
  mkdirSync(aside, { recursive: true });
  const reasons = [];
  try {
    for (const way of [byGo, byRelease]) {
      const failed = await way(step, tool, aside, found);
      const file = join(aside, tool.name);
      if (failed !== undefined) reasons.push(failed);
      else if (!serves(ask(file, tool.ask) ?? "", tool.version))
        reasons.push(`${tool.name} was installed but does not run`);
      else {
        renameSync(file, join(bin, tool.name));
        return `${tool.name} ${tool.version} installed`;
      }
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  throw new SetupError("tool", `${tool.name} ${tool.version} could not be had (${found}):\n  ${reasons.join("\n  ")}`, {
    help: `put ${tool.name} ${tool.version} or newer on PATH, or: GOBIN=${bin} go install ${tool.goPackage}`,
  });
}

/** @type {(step: import("./steps.mjs").Step, tool: import("./tool-list.mjs").Tool, dir: string, found: string) => Promise<string | undefined>} */
async function byGo(step, tool, dir, found) {
  if (findOnPath("go") === undefined) return "go install: no Go here";
  step.doing(`building ${tool.name} ${tool.version} with go install, ${tool.goTime} (${found})`);
  const { status, tail } = await runLogged("go", ["install", "-trimpath", tool.goPackage], {
    log: join(dir, "../log/go-install.log"),
    cwd: dir,
    env: { ...process.env, GOBIN: dir, CGO_ENABLED: "0", GOFLAGS: "" },
  });
  return status === 0 ? undefined : `go install: ${tail.split("\n").at(-1)}`;
}

/** @type {(step: import("./steps.mjs").Step, tool: import("./tool-list.mjs").Tool, dir: string, found: string) => Promise<string | undefined>} */
async function byRelease(step, tool, dir, found) {
  const arch = process.arch === "x64" ? "amd64" : process.arch === "arm64" ? "arm64" : undefined;
  if (arch === undefined) return `release: none for ${process.arch}`;
  const release = tool.release(arch);
  step.doing(`fetching ${release.url} and checking it against ${release.checksums} (${found})`);
  try {
    await fetchRelease(release, join(dir, tool.name));
    chmodSync(join(dir, tool.name), 0o755);
    return undefined;
  } catch (error) {
    return `release: ${error instanceof Error ? error.message : String(error)}`;
  }
}
