import { GenerateError } from "./errors.ts";
import { leavesOf, type Field, type Layouts } from "./layout.ts";
import type { Wire, WireField } from "./wire.ts";

/** The documentation of a wire field: its own, or that of the kernel's field. */
export type DocOf = (field: WireField) => string;

/**
 * Ties the wire description to the records: what a field comes from exists, and what a record carries is used or said to be
 * internal.
 * @throws GenerateError `wire` with everything that does not meet.
 */
export function resolve(wire: Wire, layouts: Layouts): DocOf {
  const leaves = new Map<string, Field>();
  const groups = new Set<string>();
  for (const record of layouts.records) {
    for (const [path, field] of leavesOf(record)) {
      const full = `${record.kind}.${path}`;
      leaves.set(full, field);
      for (let at = full.indexOf("."); at > 0; at = full.indexOf(".", at + 1)) groups.add(full.slice(0, at));
    }
  }
  const problems: string[] = [];
  const used = new Set<string>();
  for (const [name, object] of Object.entries(wire.objects)) {
    for (const [key, field] of Object.entries(object.fields)) {
      const sources = sourcesOf(field);
      for (const source of sources) {
        used.add(source);
        if (!leaves.has(source) && !groups.has(source)) problems.push(`${name}.${key}: no record has ${source}`);
      }
      const inherited = sources.length === 1 && leaves.has(sources[0] ?? "");
      if (field.doc === undefined && !inherited) problems.push(`${name}.${key}: has neither doc nor one kernel field`);
    }
  }
  const internal = Object.keys(wire.internal);
  for (const leaf of leaves.keys()) {
    const covered =
      used.has(leaf) || internal.some((name) => (name.endsWith(".") ? leaf.startsWith(name) : leaf === name));
    if (!covered) problems.push(`${leaf}: crosses the wire in no field, and is not named in "internal"`);
  }
  for (const name of internal)
    if (!name.endsWith(".") && !leaves.has(name)) problems.push(`internal ${name}: no record has it`);
  if (problems.length > 0) throw new GenerateError("wire", problems);
  return (field) => field.doc ?? leaves.get(sourcesOf(field)[0] ?? "")?.doc ?? "";
}

function sourcesOf(field: WireField): readonly string[] {
  if (field.from === undefined) return [];
  return typeof field.from === "string" ? [field.from] : field.from;
}
