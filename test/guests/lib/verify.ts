import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { dataSymbols } from "../../../agent/kernel/elf.ts";
import { KernelError } from "../../../agent/kernel/errors.ts";
import { BpfObject } from "../../../agent/kernel/object.ts";
import { codeDigest } from "./code-digest.ts";

const OBJECTS = join(import.meta.dirname, "../../../bpf/out");
const SUFFIX = ".bpf.o";

/** What the verifier said to a program: the instructions it went through, or why it refused. */
export type Verdict = number | Refusal;

export interface Refusal {
  /** The verifier's own sentence. */
  reason: string;
  /** That, after the instructions at which it gave up. */
  log: string;
}

/** What the agent turns off where the kernel does not take a program with it. */
const OPTIONAL = /_can_signal$|^match_locks$/;

export interface VerifyOptions {
  /** A part of the name: "network", "file/file_open_lsm". */
  only?: string;
  /** Loads what is refused once more, for the log that leads to the refusal. */
  logs?: boolean;
  /** Objects that need not be asked about. */
  without?: ReadonlySet<string>;
}

/** The objects of bpf/out by name, each with the digest of its code. */
export function objectDigests(): Map<string, string> {
  const files = readdirSync(OBJECTS).filter((file) => file.endsWith(SUFFIX));
  return new Map(files.sort().map((file) => [file.slice(0, -SUFFIX.length), codeDigest(join(OBJECTS, file))]));
}

/** Loads every program of bpf/out by itself, as the agent would, and gives it back. Needs root. */
export function verifyPrograms({ only = "", logs = false, without }: VerifyOptions = {}): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  for (const object of objectDigests().keys()) {
    if (without?.has(object)) continue;
    const path = join(OBJECTS, `${object}${SUFFIX}`);
    const known = dataSymbols(readFileSync(path), ".rodata", object);
    const options = [...known.keys()].filter((setting) => OPTIONAL.test(setting));
    // what one program of an object is not taken with, the next of its kind is not either
    const settings: Record<string, number> = {};
    for (const program of programsOf(path)) {
      const name = `${object}/${program}`;
      if (name.includes(only)) verdicts.set(name, verify(path, program, options, settings, logs));
    }
  }
  return verdicts;
}

function programsOf(path: string): string[] {
  const object = BpfObject.open(path);
  try {
    return object.programs();
  } finally {
    object.close();
  }
}

/** What the verifier says with these settings; where it refuses, with one option after the other turned off in them, for good. */
function verify(
  path: string,
  program: string,
  options: readonly string[],
  settings: Record<string, number>,
  logs: boolean,
): Verdict {
  const less = { ...settings };
  let verdict = load(path, program, less, true);
  for (const option of options) {
    if (typeof verdict === "number") break;
    less[option] = 0;
    verdict = load(path, program, less, true);
  }
  if (typeof verdict === "number") Object.assign(settings, less);
  if (typeof verdict === "number") return verdict;
  // Without statistics the log ends with the instructions at which the verifier gave up.
  const again = logs ? load(path, program, settings, false) : 0;
  const log = typeof again === "number" ? "" : again.message;
  return { reason: reasonOf(verdict.message), log: `${verdict.message}\n${log}` };
}

function load(
  path: string,
  program: string,
  settings: Record<string, number>,
  statistics: boolean,
): number | KernelError {
  const autoload = (name: string) => name === program;
  const object = BpfObject.open(path, { settings, statistics, autoload, maxEntries: { events: 64 * 1024 } });
  try {
    object.load();
    return object.verified ?? 0;
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  } finally {
    object.close();
  }
}

/** The last line that is neither libbpf's nor statistics; the first when there is none. */
function reasonOf(message: string): string {
  const [first, ...lines] = message.split("\n");
  const telling = lines.filter((line) => !/^(libbpf:|verification time|stack depth|insns processed)/.test(line));
  return (telling.at(-1) ?? first ?? "").trim();
}
