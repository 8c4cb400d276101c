/** Paths of events that an agent knows before it writes them; `[]` is any element of a list. */

const EVERY = [
  "process.pid",
  "process.uid",
  "process.auid",
  "process.binary",
  "process.arguments",
  "process.cwd",
  "process.container",
  "process.container.id",
  "process.container.name",
  "process.container.image",
  "process.container.service",
  "process.container.project",
  "parent.pid",
  "parent.uid",
  "parent.binary",
  "parent.arguments",
  "parent.cwd",
  "ancestors.[].binary",
] as const;

const OF_EXEC = [
  "process.script",
  "process.tty",
  "process.stdio.[].type",
  "process.binary_properties.memfd",
  "process.binary_properties.deleted",
  "process.binary_properties.upper",
  "process.binary_properties.privileges_raised",
] as const;

const OF_EXIT = ["status", "signal", "core_dumped"] as const;

export type AgentPath = (typeof EVERY)[number] | (typeof OF_EXEC)[number] | (typeof OF_EXIT)[number];

const every: ReadonlySet<string> = new Set(EVERY);
const ofKind: Readonly<Record<string, ReadonlySet<string>>> = {
  process_exec: new Set(OF_EXEC),
  process_exit: new Set(OF_EXIT),
};

/** Whether an agent knows the value at a path of an event of this kind before it writes the event; the node it always does. */
export function agentKnows(kind: string, path: readonly string[]): boolean {
  const name = path.join(".");
  return name === "node" || every.has(name) || ofKind[kind]?.has(name) === true;
}
