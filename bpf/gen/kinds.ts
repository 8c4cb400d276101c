import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Kind, kindsOf } from "../../agent/hooks/define-kind.ts";
import { GenerateError } from "./errors.ts";
import type { Wire, WireField, WireObject } from "./wire.ts";
import { ANCESTORS, PARENT, RUNG } from "./wire-events.ts";

/** A file of agent/hooks/kinds, by its name without ending. */
export interface KindFile {
  file: string;
  kinds: Kind[];
}

/**
 * The kinds of all files in agent/hooks/kinds. They may import agent/generated/records.ts, which is written before.
 * @throws GenerateError `kinds` when a file has none, or no BPF file of the same name.
 */
export async function readKinds(root: string): Promise<KindFile[]> {
  const dir = join(root, "agent/hooks/kinds");
  const hooks = new Set(readdirSync(join(root, "bpf/hooks")).filter((name) => name.endsWith(".bpf.c")));
  const problems: string[] = [];
  const files: KindFile[] = [];
  for (const name of readdirSync(dir).sort()) {
    if (!name.endsWith(".ts")) continue;
    const file = name.slice(0, -3);
    if (!hooks.delete(`${file}.bpf.c`)) problems.push(`agent/hooks/kinds/${name}: there is no bpf/hooks/${file}.bpf.c`);
    const module = (await import(pathToFileURL(join(dir, name)).href)) as { default?: Parameters<typeof kindsOf>[1] };
    if (module.default === undefined) problems.push(`agent/hooks/kinds/${name}: exports no default`);
    else files.push({ file, kinds: kindsOf(file, module.default) });
  }
  for (const name of hooks)
    problems.push(`bpf/hooks/${name}: there is no agent/hooks/kinds/${name.replace(".bpf.c", ".ts")}`);
  if (problems.length > 0) throw new GenerateError("kinds", problems);
  return files;
}

/** The wire description with the events of the kinds, which come before those of everything else that is not a process's life. */
export function withKinds(wire: Wire, files: readonly KindFile[]): Wire {
  const objects: Record<string, WireObject> = { ...wire.objects };
  const events: Record<string, string> = {};
  const internal: Record<string, string> = { ...wire.internal };
  for (const kind of files.flatMap(({ kinds }) => kinds)) {
    const name = `${pascal(kind.kind)}Event`;
    objects[name] = eventOf(kind);
    events[kind.kind] = name;
    for (const [object, { fields, ...rest }] of Object.entries(kind.objects ?? {}))
      objects[object] = { ...rest, fields: placed(kind.kind, fields) };
    internal[`${kind.kind}.act.`] = "process, result and count are told where they mean something";
    for (const [field, reason] of Object.entries(kind.internal ?? {})) internal[`${kind.kind}.${field}`] = reason;
  }
  const { denial, gap, ...first } = wire.events;
  return { objects, events: { ...first, ...events, denial: denial!, gap: gap! }, internal };
}

function eventOf(kind: Kind): WireObject {
  return {
    doc: `${kind.doc} Told only where a selector of action post asks for it.`,
    extends: "Envelope",
    fields: {
      kind: { type: { is: "constant", value: kind.kind }, doc: `\`${kind.kind}\`` },
      rung: RUNG,
      process: { type: { is: "object", name: "Process" }, from: `${kind.kind}.act.process.tgid`, doc: "who did it" },
      parent: PARENT,
      ancestors: ANCESTORS,
      ...placed(kind.kind, kind.fields),
      ...(kind.result === undefined
        ? {}
        : {
            result: {
              type: { is: "integer" },
              nullable: true,
              from: `${kind.kind}.act.result`,
              doc: kind.result,
            } satisfies WireField,
          }),
      ...(kind.merges === undefined
        ? {}
        : {
            count: { type: { is: "integer" }, from: `${kind.kind}.act.count`, doc: kind.merges } satisfies WireField,
          }),
    },
  };
}

/** Fields whose `from` is relative to the record of a kind. */
function placed(kind: string, fields: Readonly<Record<string, WireField>>): Record<string, WireField> {
  const place = (from: string) => `${kind}.${from}`;
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]): [string, WireField] => {
      const { from } = field;
      if (from === undefined) return [name, field];
      return [name, { ...field, from: typeof from === "string" ? place(from) : from.map(place) }];
    }),
  );
}

export function pascal(name: string): string {
  return name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
