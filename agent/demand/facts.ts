import { ELEMENT, UNCLEAR } from "../../bus/formula/verify.ts";
import type { Container } from "../containers/container.ts";
import { signalName } from "../events/names.ts";
import {
  PROCESS_FLAG,
  type ProcessExecRecord,
  type ProcessExitRecord,
  STDIO_TYPE,
  STDIO_TYPE_NAMES,
} from "../generated/records.ts";
import type { ProcessEntry } from "../process/entry.ts";

/** What is known of an event before anything of it is written. `record` is that of an exec or exit. */
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

/** A process as a process of events shows it; null where the event has none. */
function ofProcess(find: (subject: Subject) => ProcessEntry | null): Record<string, Fact> {
  const image = (use: (entry: ProcessEntry) => unknown): Fact => ({
    one: (subject) => {
      const entry = find(subject);
      return entry === null ? undefined : use(entry);
    },
  });
  return {
    pid: image((entry) => entry.tgid),
    uid: image((entry) => entry.image?.uid ?? UNKNOWN_ID),
    binary: image((entry) => entry.image?.binary ?? ""),
    arguments: image((entry) => entry.image?.arguments ?? ""),
    cwd: image((entry) => entry.image?.cwd ?? ""),
  };
}

function flag(bit: number): Fact {
  return { one: ({ exec }) => (exec === null ? UNCLEAR : (exec.flags & bit) !== 0) };
}

/** A container that is still being asked for, or that nobody knows, may have any name. */
function ofContainer(use: (container: Container) => unknown): Fact {
  return {
    one: ({ container }) => (container === null ? undefined : container.state === "known" ? use(container) : UNCLEAR),
  };
}

const PROCESS: Record<string, Fact> = {
  ...ofProcess(({ entry }) => entry),
  auid: { one: ({ entry }) => entry.image?.auid ?? UNKNOWN_ID },
  "binary_properties.memfd": flag(PROCESS_FLAG.memfd),
  "binary_properties.deleted": flag(PROCESS_FLAG.binary_deleted),
  "binary_properties.upper": flag(PROCESS_FLAG.upper),
  "binary_properties.privileges_raised": flag(PROCESS_FLAG.privileges_raised),
  container: { one: ({ container }) => (container === null ? null : UNCLEAR) },
  "container.id": { one: ({ container }) => container?.id },
  "container.name": ofContainer(({ facts }) => facts.name),
  "container.image": ofContainer(({ facts }) => facts.image),
  "container.service": ofContainer(({ facts }) => facts.service),
  "container.project": ofContainer(({ facts }) => facts.project),
  [`stdio.${ELEMENT}.type`]: { all: stdioTypes },
};

const PARENT = ofProcess(({ entry }) => entry.parent);

const EXIT: Record<string, Fact> = {
  status: { one: ({ exit }) => exit?.status ?? UNCLEAR },
  signal: { one: ({ exit }) => (exit === null ? UNCLEAR : exit.signal === 0 ? null : signalName(exit.signal)) },
  core_dumped: { one: ({ exit }) => (exit === null ? UNCLEAR : exit.coreDumped) },
};

const FACTS: ReadonlyMap<string, Fact> = new Map<string, Fact>([
  ...named("process", PROCESS),
  ...named("parent", PARENT),
  [`ancestors.${ELEMENT}.binary`, { all: ancestorBinaries }],
]);
const EXIT_FACTS: ReadonlyMap<string, Fact> = new Map(Object.entries(EXIT));

/** How a path of an event of this kind is read; undefined for what is not known before it is written. */
export function factAt(kind: string, path: readonly string[]): Fact | undefined {
  const name = path.join(".");
  if (kind !== "process_exec" && /^process\.(?:binary_properties|stdio)\b/.test(name)) return undefined;
  return FACTS.get(name) ?? (kind === "process_exit" ? EXIT_FACTS.get(name) : undefined);
}

function named(prefix: string, facts: Record<string, Fact>): [string, Fact][] {
  return Object.entries(facts).map(([name, fact]) => [`${prefix}.${name}`, fact]);
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
    binaries.push(at.image?.binary ?? "");
  return binaries;
}
