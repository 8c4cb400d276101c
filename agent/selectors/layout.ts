import type { HookTables, PathLengths, PrefixEntry, ValueEntry } from "./compile.ts";
import type { NormalSelector } from "./normalize.ts";
import { sameGroup } from "./order.ts";

/*
 * The bytes of the structs in bpf/include/match_tables.h and proc_state.h, little-endian. test/agent/selectors/layout
 * compares every size and place with the compiled object's BTF.
 */

export const SIZES = {
  match_header: 104,
  match_key: 16,
  match_value: 8,
  match_prefix: 24,
  match_class: 1304,
  match_selector: 40,
  match_text: 264,
  match_counters: 72,
  tree_mark: 16,
  cgroup_mark: 8,
  expected_container: 68,
} as const;
export const SUMMARY_WORDS = 3;
const TEXT_BYTES = 256;
const CGROUP_EXEMPT = 1;
const MATCH_ENFORCES = 1;
const MATCH_MONITORS = 2;

export function encodeHeader(tables: HookTables, install: number, slot: number): Buffer {
  const bytes = Buffer.alloc(SIZES.match_header);
  const has = (mode: number) => tables.selectors.some((selector) => selector.mode === mode);
  const flags = (has(1) ? MATCH_ENFORCES : 0) | (has(0) ? MATCH_MONITORS : 0);
  const { active, ranged, enforcing, monitoring, none, selectors } = tables;
  const words = [install, slot, selectors.length, active, ranged, flags, enforcing, monitoring, ...none];
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, index * 4);
  return bytes;
}

export function encodeKey(entry: Pick<ValueEntry, "operand" | "value">): Buffer {
  const bytes = Buffer.alloc(SIZES.match_key);
  bytes.writeBigUInt64LE(entry.value, 0);
  bytes.writeUInt32LE(entry.operand, 8);
  return bytes;
}

export function encodeValue(entry: { class: number; text?: number }): Buffer {
  const bytes = Buffer.alloc(SIZES.match_value);
  bytes.writeUInt32LE(entry.class, 0);
  bytes.writeUInt32LE(entry.text ?? 0, 4);
  return bytes;
}

export function encodePrefix(entry: PrefixEntry): Buffer {
  const bytes = Buffer.alloc(SIZES.match_prefix);
  bytes.writeUInt32LE(32 + entry.bits, 0);
  bytes[4] = entry.operand;
  bytes[5] = entry.family;
  bytes.set(entry.data, 8);
  return bytes;
}

/** Words of a bitmap behind a bit for each that is not empty. */
export function encodeClass(bitmap: Uint32Array): Buffer {
  const bytes = Buffer.alloc(SIZES.match_class);
  for (let half = 0; half < bitmap.length; half++) {
    if (bitmap[half] === 0) continue;
    bytes.writeUInt32LE(bitmap[half]!, SUMMARY_WORDS * 8 + half * 4);
    const word = half >> 1;
    bytes[word >> 3]! |= 1 << (word & 7);
  }
  return bytes;
}

export function encodeSelector(selectors: readonly NormalSelector[], index: number, counters: number): Buffer {
  const selector = selectors[index]!;
  const bytes = Buffer.alloc(SIZES.match_selector);
  bytes.writeBigUInt64LE(selector.deadline ?? 0n, 0);
  bytes.writeBigUInt64LE(beyond(selectors, index), 8);
  bytes.writeBigUInt64LE(selector.interval, 16);
  bytes.writeUInt32LE(counters, 24);
  bytes.writeUInt32LE(
    selector.conditions.reduce((bits, condition) => bits | (1 << condition.operand), 0),
    28,
  );
  bytes.writeInt32LE(selector.priority, 32);
  bytes[36] = selector.action;
  bytes[37] = selector.mode;
  return bytes;
}

/** Bits of the selector's word behind its group. */
function beyond(selectors: readonly NormalSelector[], index: number): bigint {
  const word = index & ~63;
  let next = index + 1;
  while (next < word + 64 && next < selectors.length && sameGroup(selectors[index]!, selectors[next]!)) next++;
  return next >= word + 64 ? 0n : BigInt.asUintN(64, ~0n << BigInt(next - word));
}

export function encodeText(text: Uint8Array): Buffer {
  const bytes = Buffer.alloc(SIZES.match_text);
  bytes.writeBigUInt64LE(BigInt(text.length), 0);
  bytes.set(text, 8);
  return bytes;
}

/** Entry 0 of the texts: struct match_paths. */
export function encodePaths(seed: bigint, lengths: readonly PathLengths[]): Buffer {
  const bytes = Buffer.alloc(SIZES.match_text);
  bytes.writeBigUInt64LE(seed, 0);
  for (const [walk, { slash, any }] of lengths.entries()) {
    const at = 8 + (walk * TEXT_BYTES) / 4;
    for (const length of slash) bytes[at + ((length - 1) >> 3)]! |= 1 << ((length - 1) & 7);
    for (const length of any) bytes[at + 32 + ((length - 1) >> 3)]! |= 1 << ((length - 1) & 7);
  }
  return bytes;
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
  suppressed: number;
}

export function decodeCounters(bytes: Uint8Array): Counters {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (place: number) => Number(view.readBigUInt64LE(32 + 8 * place));
  return { hits: at(0), would_deny: at(1), denied: at(2), undecided: at(3), suppressed: at(4) };
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
