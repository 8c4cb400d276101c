import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { dataSymbols } from "../../../agent/kernel/elf.ts";
import { KernelError } from "../../../agent/kernel/errors.ts";
import { BpfObject } from "../../../agent/kernel/object.ts";

const OBJECTS = join(import.meta.dirname, "../../../bpf/out");

/** What the verifier said to a program: the instructions it went through, or why it refused. */
export type Verdict = number | Refusal;

export interface Refusal {
  /** The verifier's own sentence. */
  reason: string;
  /** That, after the instructions at which it gave up. */
  log: string;
}

/** What the agent turns off where the kernel does not take a program with it. */
const OPTIONAL = ["connect_can_signal", "match_locks"];

/**
 * Loads every program of bpf/out by itself, as the agent would, and gives it back. Needs root.
 * @param only  a part of the name: "network", "file/file_open_lsm"
 * @param logs  loads what is refused once more, for the log that leads to the refusal
 */
export function verifyPrograms(only = "", logs = false): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  const files = readdirSync(OBJECTS).filter((file) => file.endsWith(".bpf.o"));
  for (const file of files.sort()) {
    const path = join(OBJECTS, file);
    const known = dataSymbols(readFileSync(path), ".rodata", file);
    const options = OPTIONAL.filter((setting) => known.has(setting));
    for (const program of programsOf(path)) {
      const name = `${file.replace(/\.bpf\.o$/, "")}/${program}`;
      if (name.includes(only)) verdicts.set(name, verify(path, program, options, logs));
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

/** What the verifier says with all options; where it refuses, with one after the other turned off. */
function verify(path: string, program: string, options: readonly string[], logs: boolean): Verdict {
  const settings: Record<string, number> = {};
  let verdict = load(path, program, settings, true);
  for (const option of options) {
    if (typeof verdict === "number") break;
    settings[option] = 0;
    verdict = load(path, program, settings, true);
  }
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
