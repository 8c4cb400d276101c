import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentDigest } from "../../bus/ids.ts";
import type { BuildMessage } from "../../bus/types/controller-status.ts";
import { messageOf } from "../errors.ts";
import { readBuildOutput } from "./output.ts";

export interface BuildRequest {
  /** Program and first arguments: `[node, cli/main.ts, "rules", "build"]`. */
  command: readonly string[];
  directories: readonly string[];
  shipped: boolean;
  enforce: boolean;
  /** Whether enforcement policies are in the set. */
  policies: boolean;
  /** A directory of the controller's own, in which builds keep what the next one need not do again. */
  cache: string;
  /** Milliseconds after which the build is killed. */
  timeout: number;
}

export interface BuiltRuleSet {
  ok: true;
  bytes: Uint8Array;
  digest: string;
  rules: number;
  policies: number;
  /** What the set was made of: files, or at least the directories. */
  sources: string[];
  warnings: BuildMessage[];
}

export type BuildResult = BuiltRuleSet | { ok: false; errors: BuildMessage[]; warnings: BuildMessage[] };

const MAX_OUTPUT = 16 * 1024 * 1024;

/**
 * Builds a rule set by the build command, as a child of its own process group that is killed at the time limit or on
 * `signal`. Whatever goes wrong comes back as errors: only a signal throws.
 */
export async function buildRuleSet(request: BuildRequest, signal: AbortSignal): Promise<BuildResult> {
  let directory: string | undefined;
  try {
    directory = await mkdtemp(join(tmpdir(), "reeve-build-"));
    const out = join(directory, "ruleset");
    const ended = await runChild(buildArguments(request, out), request, signal);
    signal.throwIfAborted();
    if (ended.problem !== null) return broken(ended.problem, ended.stderr);
    const output = readBuildOutput(ended.stdout);
    if (output === undefined) {
      return broken(`the build command ended with ${ended.code ?? ended.signal} and said no result`, ended.stderr);
    }
    const { errors, warnings } = output;
    if (errors.length > 0) return { ok: false, errors, warnings };
    if (ended.code !== 0) return broken(`the build command ended with ${ended.code ?? ended.signal}`, ended.stderr);
    const bytes = await readFile(out);
    const { rules, policies } = output;
    const sources = output.sources ?? [...request.directories];
    return { ok: true, bytes, digest: contentDigest(bytes), rules, policies, sources, warnings };
  } catch (cause) {
    signal.throwIfAborted();
    return broken(`rules could not be built: ${messageOf(cause)}`, "");
  } finally {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}

function buildArguments(request: BuildRequest, out: string): string[] {
  return [
    ...request.command,
    ...request.directories.flatMap((directory) => ["--rules", directory]),
    ...["--out", out, "--cache", join(request.cache, "rego"), "-o", "json"],
    ...(request.shipped ? [] : ["--no-shipped"]),
    ...(request.policies ? [] : ["--no-policies"]),
    ...(request.enforce ? ["--enforce"] : []),
  ];
}

interface Ended {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** Why it was ended, when not by itself. */
  problem: string | null;
}

async function runChild(command: readonly string[], request: BuildRequest, signal: AbortSignal): Promise<Ended> {
  const { timeout, cache } = request;
  const [program = "", ...rest] = command;
  // Half of the time of a build that has little to do is Node's, for compiling the same programs again.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(cache, "node") };
  return await new Promise((resolve, reject) => {
    const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"], detached: true, env });
    const ended: Ended = { code: null, signal: null, stdout: "", stderr: "", problem: null };
    const stop = (problem: string): void => {
      ended.problem ??= problem;
      killGroup(child.pid);
    };
    const timer = setTimeout(() => {
      stop(`the build took longer than ${timeout} ms and was stopped`);
    }, timeout);
    const onAbort = (): void => {
      stop("the controller stops");
    };
    signal.addEventListener("abort", onAbort);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      ended.stdout += text;
      if (ended.stdout.length > MAX_OUTPUT) stop("the build command said more than 16 MB");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      ended.stderr = (ended.stderr + text).slice(-4_096);
    });
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    child.on("error", (cause) => {
      finish();
      reject(cause);
    });
    child.on("close", (code, killedBy) => {
      finish();
      resolve({ ...ended, code, signal: killedBy });
    });
    if (signal.aborted) onAbort();
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

function broken(message: string, stderr: string): BuildResult {
  const said = stderr.trim().split("\n").slice(-5).join(" | ");
  const text = said === "" ? message : `${message}: ${said}`;
  return { ok: false, errors: [{ file: null, line: null, rule: null, message: text, allowed: null }], warnings: [] };
}
