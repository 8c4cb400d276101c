import type { Btf, BtfType } from "./btf.ts";
import { GenerateError } from "./errors.ts";

/** Bytes of the fixed-width integers that a record may be made of. */
const INTEGERS: Readonly<Record<string, number>> = { __u8: 1, __u16: 2, __u32: 4, __u64: 8, __s32: 4, __s64: 8 };

/** `char` is allowed in arrays only. */
const BYTES = new Set(["char", "__u8"]);

interface Common {
  name: string;
  /** From the start of the struct that it stands in. */
  offset: number;
  size: number;
  doc: string;
  format: string;
}

export type Field = Common &
  (
    | { kind: "integer"; signed: boolean }
    | { kind: "padding" }
    | { kind: "bytes" }
    | { kind: "struct"; struct: Struct }
    | { kind: "list"; count: number; struct: Struct }
    | { kind: "tail"; length: string }
  );

export interface Struct {
  name: string;
  size: number;
  fields: Field[];
}

export interface Enum {
  name: string;
  /** Without the prefix that all share, in small letters. */
  values: { name: string; value: number }[];
}

/** One record of the ring: `struct process_exec_record` is kind `process_exec`. */
export interface RecordLayout {
  kind: string;
  number: number;
  struct: Struct;
}

export interface Layouts {
  records: RecordLayout[];
  enums: Map<string, Enum>;
}

/**
 * The records that the BTF describes.
 * @throws GenerateError `layout` with every gap, bitfield, untagged or unsuitable field.
 */
export function readLayouts(btf: Btf): Layouts {
  const problems: string[] = [];
  const enums = new Map(btf.all("ENUM").map((type) => [type.name, readEnum(type)]));
  const kinds = enums.get("record_kind");
  if (!kinds) throw new GenerateError("layout", ["enum record_kind is not in the BTF"]);
  const records: RecordLayout[] = [];
  for (const type of btf.all("STRUCT")) {
    const [, kind] = /^(\w+)_record$/.exec(type.name) ?? [];
    if (kind === undefined) continue;
    const number = kinds.values.find((value) => value.name === kind)?.value;
    if (number === undefined)
      problems.push(`struct ${type.name}: enum record_kind has no RECORD_${kind.toUpperCase()}`);
    const struct = readStruct(btf, type, problems);
    if (!beginsWithHeader(struct)) problems.push(`struct ${type.name}: does not begin with a record_header or an act`);
    checkTails(struct, problems);
    records.push({ kind, number: number ?? 0, struct });
  }
  checkFormats(records, enums, problems);
  if (problems.length > 0) throw new GenerateError("layout", problems);
  return { records: records.sort((a, b) => a.number - b.number), enums };
}

function beginsWithHeader(struct: Struct): boolean {
  const [first] = struct.fields;
  if (first?.kind !== "struct") return false;
  return first.struct.name === "record_header" || (first.struct.name === "act" && beginsWithHeader(first.struct));
}

function readEnum(type: BtfType): Enum {
  const values = type.values ?? [];
  const prefix = commonPrefix(values.map((value) => value.name));
  return {
    name: type.name,
    values: values.map(({ name, val }) => ({ name: name.slice(prefix.length).toLowerCase(), value: val })),
  };
}

function commonPrefix(names: string[]): string {
  const [first = ""] = names;
  let length = 0;
  for (let at = first.indexOf("_") + 1; at > 0; at = first.indexOf("_", at) + 1) {
    if (!names.every((name) => name.startsWith(first.slice(0, at)))) break;
    length = at;
  }
  return first.slice(0, length);
}

function readStruct(btf: Btf, type: BtfType, problems: string[]): Struct {
  const fields: Field[] = [];
  let end = 0;
  for (const [index, member] of (type.members ?? []).entries()) {
    const where = `struct ${type.name}, field ${member.name}`;
    if ((member.bitfield_size ?? 0) > 0) {
      problems.push(`${where}: is a bitfield; use a fixed-width type and FMT("flags:...")`);
      continue;
    }
    const offset = member.bits_offset / 8;
    const field = readField(btf, member.type_id, btf.tags(type.id, index), where, problems);
    if (!field) continue;
    if (offset !== end)
      problems.push(`${where}: ${offset - end} bytes of implicit padding before it; name them and tag them PAD`);
    end = offset + field.size;
    fields.push({ ...field, name: member.name, offset });
  }
  const size = type.size ?? 0;
  if (end !== size)
    problems.push(`struct ${type.name}: ${size - end} bytes of implicit padding at its end; tag them PAD`);
  return { name: type.name, size, fields };
}

// Omit<> would merge the union's members into one.
type Unplaced = Field extends infer F ? (F extends Field ? Omit<F, "name" | "offset"> : never) : never;

function readField(btf: Btf, id: number, tags: string[], where: string, problems: string[]): Unplaced | undefined {
  const tag = (name: string) => tags.find((text) => text.startsWith(`${name}:`))?.slice(name.length + 1) ?? "";
  const doc = tag("doc");
  const format = tag("fmt");
  const padding = tags.includes("pad");
  if (doc === "" && !padding) problems.push(`${where}: has no DOC`);
  const { type, name } = btf.resolve(id);
  if (type.kind === "INT") {
    const size = INTEGERS[name];
    if (size === undefined) {
      problems.push(`${where}: ${name} has no fixed width; allowed are ${Object.keys(INTEGERS).join(", ")}`);
      return undefined;
    }
    return padding
      ? { kind: "padding", size, doc, format }
      : { kind: "integer", size, signed: name.startsWith("__s"), doc, format };
  }
  if (type.kind === "STRUCT")
    return { kind: "struct", size: type.size ?? 0, struct: readStruct(btf, type, problems), doc, format };
  if (type.kind === "ARRAY") return readArray(btf, type, { doc, format, length: tag("len"), padding }, where, problems);
  problems.push(`${where}: ${type.kind.toLowerCase()} ${name} cannot stand in a record`);
  return undefined;
}

interface Tags {
  doc: string;
  format: string;
  length: string;
  padding: boolean;
}

function readArray(btf: Btf, array: BtfType, tags: Tags, where: string, problems: string[]): Unplaced | undefined {
  const { doc, format, length, padding } = tags;
  const count = array.nr_elems ?? 0;
  const { type, name } = btf.resolve(array.type_id ?? 0);
  if (type.kind === "STRUCT") {
    const struct = readStruct(btf, type, problems);
    return { kind: "list", size: count * struct.size, count, struct, doc, format };
  }
  if (!BYTES.has(name)) {
    problems.push(`${where}: an array of ${name}; allowed are arrays of structs, char and __u8`);
    return undefined;
  }
  if (count > 0) return { kind: padding ? "padding" : "bytes", size: count, doc, format };
  if (length === "") problems.push(`${where}: a tail needs LEN("field")`);
  return { kind: "tail", size: 0, length, doc, format };
}

/** The integer that a dotted path names, with its offset from the record's start. */
export function integerAt(struct: Struct, path: string): { offset: number; size: number } | undefined {
  const [head, ...rest] = path.split(".");
  const field = struct.fields.find((candidate) => candidate.name === head);
  if (field?.kind === "struct" && rest.length > 0) {
    const inner = integerAt(field.struct, rest.join("."));
    return inner && { offset: field.offset + inner.offset, size: inner.size };
  }
  return field?.kind === "integer" && rest.length === 0 ? { offset: field.offset, size: field.size } : undefined;
}

function checkTails(struct: Struct, problems: string[]): void {
  for (const field of struct.fields) {
    if (field.kind !== "tail" || field.length === "") continue;
    const where = `struct ${struct.name}, field ${field.name}`;
    if (field.offset !== struct.size) problems.push(`${where}: a tail stands at the end of its record`);
    if (!integerAt(struct, field.length)) problems.push(`${where}: LEN("${field.length}") names no integer of it`);
  }
}

const FORMATS = new Set([
  "",
  "boottime",
  "ns",
  "ip",
  "port",
  "cstring",
  "path",
  "argv",
  "capabilities",
  "octal",
  "bool",
]);

function checkFormats(records: RecordLayout[], enums: Map<string, Enum>, problems: string[]): void {
  const look = (struct: Struct): void => {
    for (const field of struct.fields) {
      if (field.kind === "struct" || field.kind === "list") look(field.struct);
      const where = `struct ${struct.name}, field ${field.name}`;
      const [, name] = /^(?:enum|flags):(\w+)$/.exec(field.format) ?? [];
      if (name !== undefined && !enums.has(name))
        problems.push(`${where}: enum ${name} is not in the BTF; clang keeps it when layouts.bpf.c does`);
      if (name === undefined && !FORMATS.has(field.format))
        problems.push(
          `${where}: FMT("${field.format}") is unknown; allowed are ${[...FORMATS].join(" ").trim()}, enum:, flags:`,
        );
    }
  };
  for (const record of records) look(record.struct);
}

/** Dotted paths of everything in a record that carries something: no header, padding or lengths of tails. */
export function leavesOf(record: RecordLayout): Map<string, Field> {
  const leaves = new Map<string, Field>();
  const lengths = new Set(record.struct.fields.flatMap((field) => (field.kind === "tail" ? [field.length] : [])));
  const look = (struct: Struct, prefix: string): void => {
    for (const field of struct.fields) {
      const path = `${prefix}${field.name}`;
      if (field.kind === "struct" || field.kind === "list") look(field.struct, `${path}.`);
      else if (field.kind !== "padding" && !lengths.has(path)) leaves.set(path, field);
    }
  };
  for (const field of record.struct.fields) {
    if (field.kind === "struct" && field.struct.name === "record_header") continue;
    look({ name: "", size: 0, fields: [field] }, "");
  }
  return leaves;
}
