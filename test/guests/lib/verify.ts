import { readdirSync } from "node:fs";
import { join } from "node:path";
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

/** Settings with which a program is another one to the verifier, beside those that it was compiled with. */
const VARIANTS: Record<string, Record<string, number>[]> = {
  process: [{ argument_bytes: 8192 }],
  network: [{ connect_can_signal: 0 }, { connect_can_signal: 1 }],
};

/**
 * Loads every program of bpf/out by itself, with each of its settings, and gives it back. Needs root.
 * @param only  a part of the name: "network", "file/file_open_lsm"
 */
export function verifyPrograms(only = ""): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  const files = readdirSync(OBJECTS).filter((file) => file.endsWith(".bpf.o"));
  for (const file of files.sort()) {
    const name = file.replace(/\.bpf\.o$/, "");
    for (const settings of VARIANTS[name] ?? [{}]) {
      const suffix = Object.entries(settings).map(([key, value]) => ` ${key}=${value}`);
      for (const program of programsOf(join(OBJECTS, file))) {
        const key = `${name}/${program}${suffix.join("")}`;
        if (key.includes(only)) verdicts.set(key, verify(join(OBJECTS, file), program, settings));
      }
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

function verify(path: string, program: string, settings: Record<string, number>): Verdict {
  const first = load(path, program, settings, true);
  if (typeof first === "number") return first;
  // Without statistics the log ends with the instructions at which the verifier gave up.
  const second = load(path, program, settings, false);
  const log = typeof second === "number" ? "" : second.message;
  return { reason: reasonOf(first.message), log: `${first.message}\n${log}` };
}

function load(path: string, program: string, settings: Record<string, number>, statistics: boolean) {
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
