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

/** What of bpf/out need not be asked about: `known`, whose code is the recorded one; `unrecorded`, which wait for a record. */
export interface Asked {
  known: ReadonlySet<string>;
  unrecorded: ReadonlySet<string>;
}

/**
 * What the record of the kernel that runs says of the objects: what a kernel says of the same code is the same, and each takes
 * seconds to ask in a guest. Where a record is made everything is asked.
 */
export function askedBefore(digests: ReadonlyMap<string, string>): Asked {
  const recorded = readResults(majorMinor(release()));
  const nothing = new Set<string>();
  if (process.env["REEVE_RECORD"] !== undefined) return { known: nothing, unrecorded: nothing };
  const same = recorded?.release === release();
  const known = [...digests].filter(([object, digest]) => same && recorded.objects[object] === digest);
  const unrecorded = [...digests.keys()].filter((object) => recorded?.objects[object] === undefined);
  if (unrecorded.length > 0)
    console.warn(`NOT LOADED, since no record has them yet (--record): ${unrecorded.join(", ")}`);
  return { known: new Set(known.map(([object]) => object)), unrecorded: new Set(unrecorded) };
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
