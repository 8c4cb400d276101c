import { type Bitmap, WORDS } from "./bitmaps.ts";
import { DELTAS, type PlaceClass } from "./classes.ts";
import { addressBits, type BitsValue } from "./domains.ts";
import type { HookTables, TableValue } from "./hook-tables.ts";
import type { NormalSelector } from "./normalize.ts";
import { OPERAND } from "./operands.ts";

/*
 * The bytes of the structs in bpf/include/match_layout.h, match_part.h and proc_state.h, little-endian.
 * test/agent/selectors/layout compares every size and place with the compiled object's BTF.
 */

export const SIZES = {
  match_entry: 16,
  match_header: 2304,
  match_key: 24,
  match_value: 8,
  match_node: 8,
  match_prefix: 24,
  match_bitmap: 2080,
  match_class: 88,
  match_selector: 40,
  match_word: 2576,
  match_text: 264,
  match_part: 2200,
  match_frame: 18584,
  match_pool: 8,
  match_counters: 72,
  tree_mark: 16,
  lineage_text: 260,
  process_lineage: 32,
  cgroup_mark: 8,
  expected_container: 68,
} as const;
const SUMMARY_WORDS = 4;
const NO_WORD = 0x7fff_ffff;
const NEVER = 2n ** 63n - 1n;
const CGROUP_EXEMPT = 1;
const MATCH_ENFORCES = 1;
const MATCH_EVERY = 2;
const LENGTH_BYTES = 32;
/** MATCH_FRAME_BYTES: parts begin below it. */
const FRAME_BYTES = 16_384;
/** BLOCK_WORDS: the kernel goes through so many words of a part at a time. */
const BLOCK_WORDS = 16;
/** Kinds of process that a slot has room for, at least; what is beyond is made anew for each event. */
const PARTS = 112;
const PART_BITMAP = 120;
const PROCESS_OPERANDS = (1n << 23n) - 1n;
/** Places of the header's fields. */
export const HEADER = {
  ...{ active: 0, shorter: 8, seed: 16, install: 32, table: 36, words: 40, flags: 44, atoms: 48, stride: 52 },
  ...{ per_frame: 56, frames: 60, care: 64, lineage: 88, none: 96, lengths: 256, atom: 768 },
} as const;

/** Places of what is read of struct process_state. */
export const STATE = { start: 0, sequence: 8, flags: 12, held: 20, binary: 32 } as const;
const STATE_BINARY_UNKNOWN = 1 << 2;

/** How the parts of processes lie in a slot's frames. */
export interface PartShape {
  stride: number;
  perFrame: number;
  frames: number;
}

export function partShape(words: number): PartShape {
  const blocks = Math.max(1, Math.ceil(words / BLOCK_WORDS));
  const stride = PART_BITMAP + SUMMARY_WORDS * 8 + blocks * BLOCK_WORDS * 8;
  const perFrame = Math.floor(FRAME_BYTES / stride);
  return { stride, perFrame, frames: Math.ceil(PARTS / perFrame) };
}

export interface HeaderFields {
  install: number;
  /** Number of the set of tables. */
  table: number;
  /** Tell of every selector that matches. */
  every: boolean;
}

export function encodeHeader(tables: HookTables, { install, table, every }: HeaderFields): Buffer {
  const bytes = Buffer.alloc(SIZES.match_header);
  bytes.writeBigUInt64LE(tables.active, HEADER.active);
  bytes.writeBigUInt64LE(tables.shorter, HEADER.shorter);
  bytes.writeBigUInt64LE(tables.hash.seed, HEADER.seed);
  const flags = (tables.enforces ? MATCH_ENFORCES : 0) | (every ? MATCH_EVERY : 0);
  const { stride, perFrame, frames } = partShape(tables.words);
  const numbers = [install, table, tables.words, flags, tables.atoms.length, stride, perFrame, frames];
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, HEADER.install + index * 4);
  const lineage = tables.atoms.filter(({ operand }) => operand === OPERAND.lineage);
  bytes.writeBigUInt64LE(
    lineage.reduce((bits, { mask }) => bits | mask, 0n),
    HEADER.lineage,
  );
  for (const [operand, care] of tables.care) bytes.writeUInt32LE(care, HEADER.care + (operand - OPERAND.own) * 4);
  for (const [operand, number] of tables.none.entries()) bytes.writeUInt32LE(number, HEADER.none + operand * 4);
  for (const [walk, { slash, any }] of tables.lengths.entries()) {
    const at = HEADER.lengths + walk * 2 * LENGTH_BYTES;
    for (const length of slash) bytes[at + ((length - 1) >> 3)]! |= 1 << ((length - 1) & 7);
    for (const length of any) bytes[at + LENGTH_BYTES + ((length - 1) >> 3)]! |= 1 << ((length - 1) & 7);
  }
  for (const [index, { mask, operand, set, clear }] of tables.atoms.entries()) {
    const at = HEADER.atom + index * 24;
    bytes.writeBigUInt64LE(mask, at);
    for (const [place, number] of [operand, set.class, clear.class].entries())
      bytes.writeUInt32LE(number, at + 8 + place * 4);
  }
  return bytes;
}

/** The frame that begins with part number 0: nothing is known of the process, all places that are taken are left. */
export function writeFirstFrame(bytes: Buffer, at: number, tables: HookTables): void {
  bytes.writeBigUInt64LE(tables.active & PROCESS_OPERANDS, at);
  writeBitmap(bytes, at + PART_BITMAP, tables.live, Math.ceil(Math.max(1, tables.words) / BLOCK_WORDS) * BLOCK_WORDS);
}

/** `selectors` of 0: nothing to match. */
export function encodeEntry(epoch: number, slot: number, selectors: number): Buffer {
  const bytes = Buffer.alloc(SIZES.match_entry);
  writeU64(bytes, epoch, 0);
  bytes.writeUInt32LE(slot, 8);
  bytes.writeUInt32LE(selectors, 12);
  return bytes;
}

/** struct match_key at `at`: for whole values. */
export function writeKey(bytes: Buffer, at: number, { operand, hash, node }: TableValue): void {
  bytes.writeUInt32LE(operand, at + 16);
  if (hash !== undefined) {
    bytes.writeUInt32LE(hash[0], at);
    bytes.writeUInt32LE(hash[1], at + 4);
    return;
  }
  const { family, number, bytes: address } = node.value as BitsValue;
  if (family === 0) writeU64(bytes, number, at);
  else bytes.set(address, at);
  bytes.writeUInt32LE(family, at + 20);
}

/** struct match_prefix at `at`: for beginnings of numbers and addresses. */
export function writePrefix(bytes: Buffer, at: number, { operand, node }: TableValue): void {
  const { size, family, number, bytes: address } = node.value as BitsValue;
  bytes.writeUInt32LE(32 + (family === 0 ? size : addressBits(size)), at);
  bytes[at + 4] = operand;
  bytes[at + 5] = family;
  if (family !== 0) bytes.set(address, at + 8);
  else {
    bytes.writeUInt32BE(Math.floor(number / 2 ** 32), at + 8);
    bytes.writeUInt32BE(number % 2 ** 32, at + 12);
  }
}

export function writeValue(bytes: Buffer, at: number, { number }: TableValue): void {
  bytes.writeUInt32LE(number, at);
}

export function writeNode(bytes: Buffer, at: number, { node, text }: TableValue): void {
  bytes.writeUInt32LE(node.class, at);
  bytes.writeUInt32LE(text, at + 4);
}

/** Words of a bitmap behind a bit for each that is not empty. */
export function writeBitmap(bytes: Buffer, at: number, bitmap: Bitmap, words: number = WORDS): void {
  bytes.set(new Uint8Array(bitmap.buffer, bitmap.byteOffset, words * 8), at + SUMMARY_WORDS * 8);
  for (let word = 0; word < words; word++)
    if ((bitmap[word * 2]! | bitmap[word * 2 + 1]!) !== 0) bytes[at + (word >> 3)]! |= 1 << (word & 7);
}

export function writeClass(bytes: Buffer, at: number, { base, deltas }: PlaceClass): void {
  bytes.writeUInt32LE(base, at);
  for (let index = 0; index < DELTAS; index++) {
    const [word, low, high] = deltas[index] ?? [NO_WORD, 0, 0];
    const to = at + 8 + SUMMARY_WORDS * 8 + index * 16;
    bytes.writeUInt32LE(word, to);
    bytes.writeInt32LE(low | 0, to + 8);
    bytes.writeInt32LE(high | 0, to + 12);
    if (word !== NO_WORD) bytes[at + 8 + (word >> 3)]! |= 1 << (word & 7);
  }
}

/** A word of places: what its selectors are for, and these; zero, which has ended, where nobody is. */
export function writeWord(
  bytes: Buffer,
  at: number,
  { best, kind }: { best: number; kind: number },
  selectors: readonly (NormalSelector | undefined)[],
  counterOf: (selector: NormalSelector) => number,
): void {
  writeU64(bytes, best, at);
  bytes.writeUInt32LE(kind, at + 8);
  for (const [index, selector] of selectors.entries())
    if (selector !== undefined)
      writeSelector(bytes, at + 16 + index * SIZES.match_selector, selector, counterOf(selector));
}

function writeSelector(bytes: Buffer, at: number, selector: NormalSelector, counters: number): void {
  const operands = selector.conditions.reduce((bits, { operand }) => bits | (1n << BigInt(operand)), 0n);
  bytes.writeBigUInt64LE(selector.deadline ?? NEVER, at);
  bytes.writeBigUInt64LE(selector.interval, at + 8);
  bytes.writeBigUInt64LE(operands, at + 16);
  bytes.writeInt32LE(selector.priority, at + 24);
  bytes.writeUInt32LE(counters, at + 28);
  bytes[at + 32] = selector.action;
  bytes[at + 33] = selector.mode;
  bytes[at + 34] = selector.ratePer;
}

export function writeText(bytes: Buffer, at: number, text: Uint8Array): void {
  bytes.writeUInt32LE(text.length, at);
  bytes.set(text, at + 8);
}

function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % 2 ** 32, at);
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}

export interface TreeMark {
  start: bigint;
  set: number;
}

export function encodeTreeMark(mark: TreeMark): Buffer {
  const bytes = Buffer.alloc(SIZES.tree_mark);
  bytes.writeBigUInt64LE(mark.start, 0);
  bytes.writeUInt32LE(mark.set, 8);
  return bytes;
}

export function decodeTreeMark(bytes: Uint8Array): TreeMark {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { start: view.readBigUInt64LE(0), set: view.readUInt32LE(8) };
}

/** What is known of a process's image: struct process_state. `binary` is null where it is not known. */
export function decodeState(bytes: Uint8Array): { start: bigint; sequence: number; binary: string | null } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { start, sequence, flags, held, binary } = STATE;
  const length = view.readUInt32LE(held);
  const isKnown = (view.readUInt32LE(flags) & STATE_BINARY_UNKNOWN) === 0 && length > 0;
  return {
    start: view.readBigUInt64LE(start),
    sequence: view.readUInt32LE(sequence),
    binary: isKnown ? view.toString("utf8", binary, binary + length) : null,
  };
}

/** struct process_lineage: bits of LineageTexts, and the process's sequence when it began to run the image of `own`. */
export interface Lineage {
  start: bigint;
  ancestors: bigint;
  own: bigint;
  sequence: number;
}

export function encodeLineage({ start, ancestors, own, sequence }: Lineage): Buffer {
  const bytes = Buffer.alloc(SIZES.process_lineage);
  for (const [index, value] of [start, ancestors, own].entries()) bytes.writeBigUInt64LE(value, index * 8);
  bytes.writeUInt32LE(sequence, 24);
  return bytes;
}

export function decodeLineage(bytes: Uint8Array): Lineage {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (index: number) => view.readBigUInt64LE(index * 8);
  return { start: at(0), ancestors: at(1), own: at(2), sequence: view.readUInt32LE(24) };
}

/** struct lineage_text: a whole path ends in a zero byte. */
export function encodeLineageText(text: string, prefix: boolean): Buffer {
  const path = Buffer.from(prefix ? text : `${text}\0`);
  const bytes = Buffer.alloc(SIZES.lineage_text);
  bytes.writeUInt32LE(path.length * 8, 0);
  path.copy(bytes, 4);
  return bytes;
}

export interface CgroupMark {
  set: number;
  exempt: boolean;
}

export function encodeCgroupMark(mark: CgroupMark): Buffer {
  const bytes = Buffer.alloc(SIZES.cgroup_mark);
  bytes.writeUInt32LE(mark.set, 0);
  bytes.writeUInt32LE(mark.exempt ? CGROUP_EXEMPT : 0, 4);
  return bytes;
}

export function decodeCgroupMark(bytes: Uint8Array): CgroupMark {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { set: view.readUInt32LE(0), exempt: (view.readUInt32LE(4) & CGROUP_EXEMPT) !== 0 };
}

/** Key of a container that is made in a cgroup with this set; `id` has 64 digits. */
export function encodeExpected(id: string, parentSet: number): Buffer {
  const bytes = Buffer.alloc(SIZES.expected_container);
  bytes.write(id, 0, 64, "latin1");
  bytes.writeUInt32LE(parentSet, 64);
  return bytes;
}

export interface Counters {
  hits: number;
  would_deny: number;
  denied: number;
  undecided: number;
  rate_limited: number;
}

export function decodeCounters(bytes: Uint8Array): Counters {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (place: number) => Number(view.readBigUInt64LE(32 + 8 * place));
  return { hits: at(0), would_deny: at(1), denied: at(2), undecided: at(3), rate_limited: at(4) };
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value, 0);
  return bytes;
}

export function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value, 0);
  return bytes;
}
