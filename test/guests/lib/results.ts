import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { RungProbe } from "../../../agent/kernel/probe.ts";
import type { Tally } from "../../../setup/tally.ts";

const DIR = join(import.meta.dirname, "../results");

/** What is known of one kernel: committed, compared with what it says today, and what docs/kernels.md is made of. */
export interface KernelResults {
  /** "6.12": the file's name. */
  kernel: string;
  release: string;
  /** Debian's suite and the package's version. */
  suite: string;
  version: string;
  rungs: RungProbe[];
  /** Instructions that the verifier went through for each program, or why it refused. */
  programs: Record<string, number | string>;
  /** Digests of the objects that those are of. */
  objects: Record<string, string>;
  tests: Record<string, Tally & { failures?: string[] }>;
}

/** "6.12" of "6.12.95+deb12-amd64". */
export function majorMinor(release: string): string {
  return /^\d+\.\d+/.exec(release)?.[0] ?? release;
}

/**
 * Objects of which the record of the kernel that runs has verdicts on the code that they have now: what a kernel says of the
 * same code is the same, and each takes seconds to ask in a guest. None where a record is made.
 */
export function knownObjects(digests: ReadonlyMap<string, string>): Set<string> {
  const recorded = readResults(majorMinor(release()));
  if (recorded?.release !== release() || process.env["REEVE_RECORD"] !== undefined) return new Set();
  return new Set([...digests].flatMap(([object, digest]) => (recorded.objects[object] === digest ? [object] : [])));
}

export function readResults(kernel: string): KernelResults | undefined {
  const file = join(DIR, `${kernel}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as KernelResults) : undefined;
}

/** All that are committed, the oldest kernel first. */
export function allResults(): KernelResults[] {
  if (!existsSync(DIR)) return [];
  const kernels = readdirSync(DIR).filter((file) => file.endsWith(".json"));
  return kernels
    .map((file) => readResults(file.replace(/\.json$/, ""))!)
    .sort((a, b) => order(a.kernel) - order(b.kernel));
}

function order(kernel: string): number {
  const [major, minor] = kernel.split(".").map(Number);
  return (major ?? 0) * 1000 + (minor ?? 0);
}

export function writeResults(results: KernelResults): void {
  mkdirSync(DIR, { recursive: true });
  writeFileSync(join(DIR, `${results.kernel}.json`), `${JSON.stringify(results, null, 2)}\n`);
}
