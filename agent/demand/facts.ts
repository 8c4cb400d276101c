import { agentKnows, type AgentPath } from "../../bus/demand/agent-paths.ts";
import { UNCLEAR } from "../../bus/formula/verify.ts";
import type { Container } from "../containers/container.ts";
import { ttyName } from "../events/exec-json.ts";
import { signalName } from "../events/names.ts";
import {
  PROCESS_FLAG,
  type ProcessExecRecord,
  type ProcessExitRecord,
  STDIO_TYPE,
  STDIO_TYPE_NAMES,
} from "../generated/records.ts";
import type { ProcessEntry } from "../process/entry.ts";

/** What is known of an event before anything of it is written. `exec`, `exit`: the record of one. */
export interface Subject {
  entry: ProcessEntry;
  container: Container | null;
  exec: ProcessExecRecord | null;
  exit: ProcessExitRecord | null;
}

/** The value that the event's JSON would have at a path: a scalar, undefined, or UNCLEAR; or all values of a list there. */
export type Fact = { one: (subject: Subject) => unknown } | { all: (subject: Subject) => unknown[] };

/** What the kernel itself says for an id that is none. */
const UNKNOWN_ID = 4294967295;
const ANCESTORS_MAX = 32;

const own = (use: (entry: ProcessEntry) => unknown): Fact => ({ one: ({ entry }) => use(entry) });
const ofParent = (use: (parent: ProcessEntry) => unknown): Fact => ({
  one: ({ entry }) => (entry.parent === null ? undefined : use(entry.parent)),
});
/** A container that is still being asked for, or that nobody knows, may have any name. */
const named = (use: (facts: Container["facts"]) => unknown): Fact => ({
  one: ({ container }) =>
    container === null ? undefined : container.state === "known" ? use(container.facts) : UNCLEAR,
});
const ofExec = (use: (exec: ProcessExecRecord) => unknown): Fact => ({
  one: ({ exec }) => (exec === null ? UNCLEAR : use(exec)),
});
const flag = (bit: number): Fact => ofExec(({ flags }) => (flags & bit) !== 0);
const ofExit = (use: (exit: ProcessExitRecord) => unknown): Fact => ({
  one: ({ exit }) => (exit === null ? UNCLEAR : use(exit)),
});

const binary = ({ image }: ProcessEntry): string => image?.binary ?? "";
const argumentsOf = ({ image }: ProcessEntry): string => image?.arguments ?? "";
const cwd = ({ image }: ProcessEntry): string => image?.cwd ?? "";
const uid = ({ image }: ProcessEntry): number => image?.uid ?? UNKNOWN_ID;
const pid = ({ tgid }: ProcessEntry): number => tgid;

const FACTS: Readonly<Record<AgentPath, Fact>> = {
  "process.pid": own(pid),
  "process.uid": own(uid),
  "process.auid": own(({ image }) => image?.auid ?? UNKNOWN_ID),
  "process.binary": own(binary),
  "process.arguments": own(argumentsOf),
  "process.cwd": own(cwd),
  "process.container": { one: ({ container }) => (container === null ? null : UNCLEAR) },
  "process.container.id": { one: ({ container }) => container?.id },
  "process.container.name": named(({ name }) => name),
  "process.container.image": named(({ image }) => image),
  "process.container.service": named(({ service }) => service),
  "process.container.project": named(({ project }) => project),
  "parent.pid": ofParent(pid),
  "parent.uid": ofParent(uid),
  "parent.binary": ofParent(binary),
  "parent.arguments": ofParent(argumentsOf),
  "parent.cwd": ofParent(cwd),
  "ancestors.[].binary": { all: ancestorBinaries },
  "process.script": ofExec(({ flags, script }) => ((flags & PROCESS_FLAG.interpreted) === 0 ? null : script || null)),
  "process.tty": ofExec(({ tty }) => ttyName(tty)),
  "process.stdio.[].type": { all: stdioTypes },
  "process.binary_properties.memfd": flag(PROCESS_FLAG.memfd),
  "process.binary_properties.deleted": flag(PROCESS_FLAG.binary_deleted),
  "process.binary_properties.upper": flag(PROCESS_FLAG.upper),
  "process.binary_properties.privileges_raised": flag(PROCESS_FLAG.privileges_raised),
  status: ofExit(({ status }) => status),
  signal: ofExit(({ signal }) => (signal === 0 ? null : signalName(signal))),
  core_dumped: ofExit(({ coreDumped }) => coreDumped),
};

/** How a path of an event of this kind is read; undefined for what is not known before it is written. */
export function factAt(kind: string, path: readonly string[]): Fact | undefined {
  const name = path.join(".");
  return agentKnows(kind, path) && Object.hasOwn(FACTS, name) ? FACTS[name as AgentPath] : undefined;
}

function stdioTypes({ exec }: Subject): unknown[] {
  if (exec === null) return [UNCLEAR];
  const types: unknown[] = [];
  for (let fd = 0; fd < 3; fd++) {
    const type = exec.stdioType(fd);
    if (type !== STDIO_TYPE.closed) types.push(STDIO_TYPE_NAMES[type] ?? "other");
  }
  return types;
}

function ancestorBinaries({ entry }: Subject): unknown[] {
  const binaries: string[] = [];
  for (let at = entry.parent?.parent ?? null; at !== null && binaries.length < ANCESTORS_MAX; at = at.parent)
    binaries.push(binary(at));
  return binaries;
}
