import { spawnSync } from "node:child_process";
import { buildProgram } from "../programs/build.ts";

const TRUTH_FD = 9;

export interface Ran {
  pid: number;
  status: number | null;
  signal: string | null;
  /** Lines that the program printed as truth. */
  lines: string[];
}

/** Runs a program that prints truth (test/programs/truth.h), with its three standard descriptors at /dev/null. */
export function run(program: string, args: string[] = [], options: { cwd?: string; argv0?: string } = {}): Ran {
  const stdio = [...Array.from({ length: TRUTH_FD }, () => "ignore" as const), "pipe" as const];
  const { pid, status, signal, output, error } = spawnSync(program, args, { ...options, stdio, env: {} });
  if (error) throw error;
  const lines = String(output[TRUTH_FD] ?? "")
    .split("\n")
    .filter((line) => line !== "");
  return { pid, status, signal, lines };
}

/** What truth.c prints. */
export interface Truth {
  pid: number;
  tid: number;
  ppid: number;
  stat: string;
  status: string;
  cmdline: string;
  cgroup: string;
  loginuid: string;
  exe: string;
  cwd: string;
  securebits: number;
  inode: number;
  device: string;
  links: number;
  uid: number;
  gid: number;
  mode: number;
  [more: string]: number | string;
}

/** Runs `chain` (programs that exec one another), whose last is truth or a copy of it. */
export function runTruth(chain: string[], options: { cwd?: string; argv0?: string } = {}): Truth {
  const [program = "", ...args] = chain;
  const ran = run(program, args, options);
  const last = ran.lines.at(-1);
  if (last === undefined || ran.status !== 0)
    throw new Error(`${chain.join(" ")} ended with ${ran.status}, ${ran.signal}`);
  return JSON.parse(last) as Truth;
}

export const TRUTH = buildProgram("truth");
export const BECOME = buildProgram("become");
export const STDIO = buildProgram("stdio");
export const MEMFD = buildProgram("memfd");
export const THREADS = buildProgram("threads");
export const STORM = buildProgram("storm");
export const REUSE = buildProgram("reuse");
export const ENDS = buildProgram("ends");

/** A line of /proc/PID/status. */
export function statusLine(truth: Truth, name: string): string[] {
  const line = truth.status.split("\n").find((text) => text.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`no ${name} in status`);
  return line
    .slice(name.length + 1)
    .trim()
    .split(/\s+/);
}

/** A field of /proc/PID/stat, numbered as proc(5) does. */
export function statField(truth: Truth, number: number): number {
  const fields = truth.stat
    .slice(truth.stat.lastIndexOf(")") + 2)
    .trim()
    .split(" ");
  return Number(fields[number - 3]);
}
