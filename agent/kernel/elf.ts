import { KernelError } from "./errors.ts";

/** A variable in a data section of an ELF object: offset and size in bytes. */
export interface DataSymbol {
  offset: number;
  size: number;
}

const SHT_NULL = 0;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const STT_OBJECT = 1;

/**
 * The variables that an ELF64 object keeps in `section`, by name: where each setting stands in `.rodata`.
 * Empty when there is no such section. `from` names the object in errors.
 */
export function dataSymbols(elf: Buffer, section: string, from: string): Map<string, DataSymbol> {
  const headers = sectionHeaders(elf, from);
  const names = headers[elf.readUInt16LE(62)];
  const wanted = headers.findIndex((header) => names !== undefined && nameAt(elf, names, header.name) === section);
  const symbols = new Map<string, DataSymbol>();
  if (wanted < 0) return symbols;
  for (const table of headers) {
    const strings = headers[table.link];
    if (table.type !== SHT_SYMTAB || strings === undefined) continue;
    for (let at = table.offset; at < table.offset + table.size; at += 24) {
      if ((elf.readUInt8(at + 4) & 0xf) !== STT_OBJECT || elf.readUInt16LE(at + 6) !== wanted) continue;
      const offset = Number(elf.readBigUInt64LE(at + 8));
      symbols.set(nameAt(elf, strings, elf.readUInt32LE(at)), { offset, size: Number(elf.readBigUInt64LE(at + 16)) });
    }
  }
  return symbols;
}

/** An ELF64 object's sections: where the bytes of each lie. */
export function sections(elf: Buffer, from: string): { name: string; offset: number; size: number }[] {
  const headers = sectionHeaders(elf, from);
  const names = headers[elf.readUInt16LE(62)];
  const bytes = headers.filter(({ type }) => type !== SHT_NULL && type !== SHT_NOBITS);
  return bytes.map(({ name, offset, size }) => ({
    name: names === undefined ? "" : nameAt(elf, names, name),
    offset,
    size,
  }));
}

interface SectionHeader {
  name: number;
  type: number;
  offset: number;
  size: number;
  link: number;
}

function sectionHeaders(elf: Buffer, from: string): SectionHeader[] {
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1)
    throw new KernelError("open", `${from} is not a little-endian ELF64 object`);
  const start = Number(elf.readBigUInt64LE(40));
  const size = elf.readUInt16LE(58);
  return Array.from({ length: elf.readUInt16LE(60) }, (_, index) => {
    const at = start + index * size;
    return {
      name: elf.readUInt32LE(at),
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32)),
      link: elf.readUInt32LE(at + 40),
    };
  });
}

function nameAt(elf: Buffer, strings: SectionHeader, index: number): string {
  const start = strings.offset + index;
  return elf.toString("latin1", start, elf.indexOf(0, start));
}
