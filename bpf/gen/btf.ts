import { execFileSync } from "node:child_process";
import { GenerateError } from "./errors.ts";

/** A type as `bpftool -j btf dump` prints it. */
export interface BtfType {
  id: number;
  kind: string;
  name: string;
  size?: number;
  type_id?: number;
  nr_elems?: number;
  bits_offset?: number;
  component_idx?: number;
  members?: { name: string; type_id: number; bits_offset: number; bitfield_size?: number }[];
  values?: { name: string; val: number }[];
}

/** The types of a compiled object, by id and by name, with the declaration tags of each. */
export class Btf {
  readonly #types = new Map<number, BtfType>();
  readonly #tags = new Map<string, string[]>();

  constructor(types: BtfType[]) {
    for (const type of types) {
      if (type.kind !== "DECL_TAG") {
        this.#types.set(type.id, type);
        continue;
      }
      const key = tagKey(type.type_id ?? 0, type.component_idx ?? -1);
      this.#tags.set(key, [...(this.#tags.get(key) ?? []), type.name]);
    }
  }

  /** Reads the BTF of an object file; nothing is loaded. */
  static read(object: string): Btf {
    let text: string;
    try {
      text = execFileSync("bpftool", ["-j", "btf", "dump", "file", object], {
        encoding: "utf8",
        maxBuffer: 64 << 20,
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (cause) {
      throw new GenerateError("bpftool", [`bpftool cannot read ${object}: node bpf/build.mjs makes it`], { cause });
    }
    return new Btf((JSON.parse(text) as { types: BtfType[] }).types);
  }

  all(kind: string): BtfType[] {
    return [...this.#types.values()].filter((type) => type.kind === kind);
  }

  /** A type behind its typedefs and qualifiers, with the first typedef's name. */
  resolve(id: number): { type: BtfType; name: string } {
    let type = this.#types.get(id);
    let name = "";
    while (type && (type.kind === "TYPEDEF" || type.kind === "CONST" || type.kind === "VOLATILE")) {
      if (type.kind === "TYPEDEF" && name === "") name = type.name;
      type = this.#types.get(type.type_id ?? 0);
    }
    if (!type) throw new GenerateError("layout", [`type ${id} is not in the BTF`]);
    return { type, name: name === "" ? type.name : name };
  }

  /** Tags of a struct's member, or of the struct itself with `member` -1. */
  tags(id: number, member: number): string[] {
    return this.#tags.get(tagKey(id, member)) ?? [];
  }
}

function tagKey(id: number, member: number): string {
  return `${id}/${member}`;
}
