import { type Network, masked } from "./address.ts";
import { type Bitmap, ClassPool, MAX_SELECTORS } from "./class-pool.ts";
import { ConditionIndex } from "./condition-index.ts";
import { SelectorError } from "./errors.ts";
import { classifyIntervals, prefixesOf } from "./intervals.ts";
import { type Condition, MODE_NUMBER, type NormalSelector } from "./normalize.ts";
import {
  NUMBER_BITS,
  type NumberOperand,
  OPERAND,
  OPERANDS,
  type SetOperand,
  TEXT_OPERANDS,
  textKind,
  type TextOperand,
} from "./operands.ts";
import { inOrder } from "./order.ts";
import type { PathHash } from "./path-hash.ts";
import type { ScopeSets } from "./scope-sets.ts";
import { classifyTrie, type Containment } from "./trie.ts";

export interface ValueEntry {
  operand: number;
  value: bigint;
  class: number;
  /** Index of the text that was hashed; 0 for numbers. */
  text: number;
}

export interface PrefixEntry {
  operand: number;
  /** 4 or 6 for addresses, 0 for numbers. */
  family: number;
  bits: number;
  data: Uint8Array;
  class: number;
}

/** Prefix lengths that the tables have, by walk: those whose text ends in a slash, and the others. */
export interface PathLengths {
  slash: Set<number>;
  any: Set<number>;
}

/** One hook's tables, as the kernel looks them up: see bpf/include/match_tables.h. */
export interface HookTables {
  /** In the order in which they decide; the place is the bit. */
  selectors: NormalSelector[];
  active: number;
  ranged: number;
  enforcing: number;
  monitoring: number;
  none: number[];
  values: ValueEntry[];
  prefixes: PrefixEntry[];
  classes: Bitmap[];
  /** Suffixes are reversed; the first place is kept free. */
  texts: Uint8Array[];
  /** Binary, binary reversed, parent, parent reversed. */
  lengths: PathLengths[];
}

/**
 * Compiles the selectors of one hook.
 * @throws SelectorError `limit` (too many), `collision` (two texts with one hash: compile again with another hash).
 */
export function compile(selectors: readonly NormalSelector[], sets: ScopeSets, hash: PathHash): HookTables {
  if (selectors.length > MAX_SELECTORS)
    throw new SelectorError("limit", `${selectors.length} selectors; a hook takes up to ${MAX_SELECTORS}`);
  const ordered = inOrder(selectors);
  const pool = new ClassPool(ordered.length);
  const tables: HookTables = {
    selectors: ordered,
    active: 0,
    ranged: 0,
    enforcing: modeClass(ordered, pool, MODE_NUMBER.enforce),
    monitoring: modeClass(ordered, pool, MODE_NUMBER.monitor),
    none: Array<number>(OPERANDS).fill(0),
    values: [],
    prefixes: [],
    classes: pool.bitmaps,
    texts: [new Uint8Array()],
    lengths: Array.from({ length: 4 }, () => ({ slash: new Set(), any: new Set() })),
  };
  for (const operand of TEXT_OPERANDS) compileText(tables, pool, operand, hash);
  compileNumber(tables, pool, OPERAND.uid);
  compileNumber(tables, pool, OPERAND.dport);
  compileAddress(tables, pool);
  compileSets(tables, pool, OPERAND.cgroup, sets);
  compileSets(tables, pool, OPERAND.tree, sets);
  return tables;
}

function modeClass(selectors: readonly NormalSelector[], pool: ClassPool, mode: number): number {
  const bitmap = pool.empty();
  for (const [index, selector] of selectors.entries())
    if (selector.mode === mode) bitmap[index >> 5]! |= 1 << (index & 31);
  return pool.classOf(bitmap);
}

/** The index of an operand and its base, already entered into the tables; undefined where nobody asks for it. */
function begin<C extends Condition>(tables: HookTables, pool: ClassPool, operand: C["operand"]) {
  const index = new ConditionIndex<C>(tables.selectors, operand);
  if (!index.active) return undefined;
  const base = index.base(pool.bitmaps[0]!.slice());
  tables.active |= 1 << operand;
  tables.none[operand] = pool.classOf(base);
  return { index, base };
}

const PREFIX_TEXTS: Containment<Uint8Array> = {
  key: latin1,
  size: (text) => text.length,
  containerKey: (text, size) => latin1(text.subarray(0, size)),
};
const EXACT_TEXTS: Containment<Uint8Array> = { ...PREFIX_TEXTS, size: () => 0 };

function compileText(tables: HookTables, pool: ClassPool, operand: TextOperand, hash: PathHash): void {
  type C = Extract<Condition, { operand: TextOperand }>;
  const begun = begin<C>(tables, pool, operand);
  if (begun === undefined) return;
  const kind = textKind(operand);
  const lengths = tables.lengths[(operand >= OPERAND.parent ? 2 : 0) + (kind === "suffix" ? 1 : 0)]!;
  const bytes = (condition: C) =>
    condition.texts.map((text) => (kind === "suffix" ? Buffer.from(text).reverse() : Buffer.from(text)));
  const containment = kind === "exact" ? EXACT_TEXTS : PREFIX_TEXTS;
  const hashes = new Set<bigint>();
  for (const leaf of classifyTrie(begun.index, bytes, containment, pool, begun.base)) {
    const value = hash.of(leaf.value, kind === "exact");
    if (hashes.has(value)) throw new SelectorError("collision", "two texts have the same hash under this key");
    hashes.add(value);
    if (kind !== "exact") (leaf.value.at(-1) === 0x2f ? lengths.slash : lengths.any).add(leaf.value.length);
    tables.values.push({ operand, value, class: leaf.class, text: tables.texts.push(leaf.value) - 1 });
  }
}

function compileNumber(tables: HookTables, pool: ClassPool, operand: NumberOperand): void {
  const begun = begin<Extract<Condition, { operand: NumberOperand }>>(tables, pool, operand);
  if (begun === undefined) return;
  const width = NUMBER_BITS[operand];
  const ranged = begun.index.listed.some(({ condition }) => condition.ranges.some(([low, high]) => low !== high));
  if (ranged) tables.ranged |= 1 << operand;
  for (const interval of classifyIntervals(begun.index, width, pool, begun.base)) {
    if (!ranged) {
      for (let value = interval.low; value <= interval.high; value++)
        tables.values.push({ operand, value: BigInt(value), class: interval.class, text: 0 });
      continue;
    }
    for (const { value, bits } of prefixesOf(interval.low, interval.high, width)) {
      const data = Buffer.alloc(16);
      data.writeUIntBE(value, 0, width / 8);
      tables.prefixes.push({ operand, family: 0, bits, data, class: interval.class });
    }
  }
}

const NETWORKS: Containment<Network> = {
  key: (network) => networkKey(network, network.bits),
  size: (network) => network.bits,
  containerKey: networkKey,
};

function compileAddress(tables: HookTables, pool: ClassPool): void {
  type C = Extract<Condition, { operand: typeof OPERAND.daddr }>;
  const begun = begin<C>(tables, pool, OPERAND.daddr);
  if (begun === undefined) return;
  for (const leaf of classifyTrie(begun.index, (condition) => condition.networks, NETWORKS, pool, begun.base)) {
    const data = new Uint8Array(16);
    data.set(leaf.value.bytes);
    const { family, bits } = leaf.value;
    tables.prefixes.push({ operand: OPERAND.daddr, family, bits, data, class: leaf.class });
  }
}

function compileSets(tables: HookTables, pool: ClassPool, operand: SetOperand, sets: ScopeSets): void {
  type C = Extract<Condition, { operand: SetOperand }>;
  const begun = begin<C>(tables, pool, operand);
  if (begun === undefined) return;
  const wanted = new Map<string, number[]>();
  for (const { selector, condition } of begun.index.listed) {
    const list = wanted.get(condition.member);
    if (list) list.push(selector);
    else wanted.set(condition.member, [selector]);
  }
  for (const { number, members } of sets.with(new Set(wanted.keys()))) {
    const bitmap = begun.base.slice();
    const selectors = new Set([...members].flatMap((member) => wanted.get(member) ?? []));
    begun.index.update(bitmap, selectors, (condition) => members.has(condition.member));
    tables.values.push({ operand, value: BigInt(number), class: pool.classOf(bitmap), text: 0 });
  }
}

function networkKey(network: Network, bits: number): string {
  return `${network.family}/${bits}/${latin1(masked(network.bytes, bits))}`;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
