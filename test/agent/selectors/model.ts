import { type Bitmap, hasBit } from "../../../agent/selectors/bitmaps.ts";
import { type BitsValue, NUMBER_BITS } from "../../../agent/selectors/domains.ts";
import type { HookTables, TableValue } from "../../../agent/selectors/hook-tables.ts";
import { addressBits } from "../../../agent/selectors/domains.ts";
import { ACTION_NUMBER, type NormalSelector } from "../../../agent/selectors/normalize.ts";
import { OPERAND } from "../../../agent/selectors/operands.ts";
import { KIND, kindOf, scoreOf } from "../../../agent/selectors/order.ts";
import type { OracleEvent } from "../../../agent/selectors/oracle.ts";

export interface ModelEvent extends OracleEvent {
  cgroupSet: number;
  /** Null: not known. */
  treeSet: number | null;
}

const HELD = 255;
const TEXTS = [OPERAND.binary, OPERAND.parent, OPERAND.own, OPERAND.own + 3] as const;

/** What bpf/include/match*.h does with compiled tables, in TypeScript. */
export class Model {
  readonly #tables: HookTables;
  readonly #texts = new Map<string, TableValue>();
  readonly #whole = new Map<string, TableValue>();
  readonly #beginnings: TableValue[] = [];

  constructor(tables: HookTables) {
    this.#tables = tables;
    for (const entry of tables.values) {
      if (entry.hash !== undefined) this.#texts.set(`${entry.operand} ${entry.hash.join()}`, entry);
      else if (entry.whole) this.#whole.set(wholeKey(entry), entry);
      else this.#beginnings.push(entry);
    }
  }

  decide(event: ModelEvent, every = false) {
    const { selectors, live } = this.#tables;
    const unknown = new Set<number>();
    const left: Bitmap[] = [live];
    for (const operand of this.#tables.indexes.keys()) {
      const number = this.#classOf(operand, event, unknown);
      if (number !== undefined) left.push(this.#bitmap(number));
    }
    for (const { operand, mask, set, clear } of this.#tables.atoms) {
      const value = event.masks?.[operand] ?? event.numbers?.[operand] ?? 0n;
      if (event.masks?.[operand] === null) unknown.add(operand);
      else left.push(this.#bitmap((BigInt(value) & mask) === 0n ? clear.class : set.class));
    }
    const alive: { selector: NormalSelector; score: number; undecided: boolean }[] = [];
    for (const [place, selector] of selectors.entries()) {
      if (selector === undefined || !left.every((bitmap) => hasBit(bitmap, place))) continue;
      if (selector.deadline !== null && event.now >= selector.deadline) continue;
      const undecided = selector.conditions.some(({ operand }) => unknown.has(operand));
      alive.push({ selector, score: scoreOf(selector, place), undecided });
    }
    alive.sort((a, b) => b.score - a.score);
    const of = (kind: number) => alive.filter(({ selector }) => kindOf(selector) === kind);
    const [decided] = of(KIND.decide);
    const [posting] = of(KIND.post);
    const told = alive.filter(({ selector, score }) => {
      if (kindOf(selector) === KIND.post) return false;
      if (every) return selector !== decided?.selector;
      return kindOf(selector) === KIND.monitor && score > (decided?.score ?? 0);
    });
    return { told, decided, posting, posts: posting?.selector.action === ACTION_NUMBER.post };
  }

  #bitmap(number: number): Bitmap {
    const { base, deltas } = this.#tables.classes.classes[number]!;
    const bitmap = this.#tables.bitmaps.bitmaps[base]!.slice();
    for (const [word, low, high] of deltas) {
      bitmap[word * 2]! ^= low;
      bitmap[word * 2 + 1]! ^= high;
    }
    return bitmap;
  }

  #classOf(operand: number, event: ModelEvent, unknown: Set<number>): number | undefined {
    const none = this.#tables.indexes.get(operand)!.none;
    const family = TEXTS.findIndex((base) => operand >= base && operand < base + 3);
    const isText = this.#tables.values.some((entry) => entry.operand === operand && entry.hash !== undefined);
    if (family >= 0 && isText) {
      const path = [event.binary, event.parent, event.path ?? null, event.second ?? null][family]!;
      const bytes = path === null ? undefined : Buffer.from(path);
      const offset = operand - TEXTS[family]!;
      if (bytes === undefined || (offset === 2 && family < 2 && bytes.length > HELD)) {
        unknown.add(operand);
        return undefined;
      }
      return this.#path(operand, offset, family, bytes) ?? none;
    }
    if (operand === OPERAND.cgroup) return this.#number(operand, event.cgroupSet) ?? none;
    if (operand === OPERAND.tree) {
      if (event.treeSet !== null) return this.#number(operand, event.treeSet) ?? none;
      unknown.add(operand);
      return undefined;
    }
    if (event.address !== undefined && operand === OPERAND.own)
      return this.#address(operand, event.address.family, event.address.bytes) ?? none;
    const care = this.#tables.care.get(operand);
    const value = care === undefined ? event.numbers?.[operand] : Number(event.masks?.[operand] ?? 0n) & care;
    return this.#number(operand, value ?? 0) ?? none;
  }

  #path(operand: number, offset: number, family: number, bytes: Buffer): number | undefined {
    if (offset === 0) return bytes.length <= HELD ? this.#text(operand, bytes, true) : undefined;
    const held = offset === 1 ? bytes.subarray(0, HELD) : Buffer.from(bytes.subarray(-HELD)).reverse();
    const lengths = this.#tables.lengths[family * 2 + offset - 1]!;
    let found: number | undefined;
    for (let length = 1; length <= held.length; length++) {
      if (!lengths.any.has(length) && !(lengths.slash.has(length) && held[length - 1] === 0x2f)) continue;
      found = this.#text(operand, held.subarray(0, length), false) ?? found;
    }
    return found;
  }

  #text(operand: number, text: Uint8Array, exact: boolean): number | undefined {
    const entry = this.#texts.get(`${operand} ${this.#tables.hash.of(text, exact).join()}`);
    return entry && Buffer.compare(this.#tables.texts[entry.text]!, text) === 0 ? entry.node.class : undefined;
  }

  #number(operand: number, value: number): number | undefined {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return (this.#whole.get(`${operand} 0 ${value}`) ?? this.#beginning(operand, 0, bytes))?.node.class;
  }

  #address(operand: number, family: 4 | 6, bytes: Uint8Array): number | undefined {
    const key = `${operand} ${family} ${Buffer.from(bytes).toString("hex")}`;
    return (this.#whole.get(key) ?? this.#beginning(operand, family, bytes))?.node.class;
  }

  #beginning(operand: number, family: number, bytes: Uint8Array): TableValue | undefined {
    let best: { bits: number; entry: TableValue } | undefined;
    for (const entry of this.#beginnings) {
      const value = entry.node.value as BitsValue;
      if (entry.operand !== operand || value.family !== family) continue;
      const bits = family === 0 ? value.size : addressBits(value.size);
      if (best !== undefined && best.bits > bits) continue;
      const data = family === 0 ? Buffer.alloc(NUMBER_BITS / 8) : Buffer.from(value.bytes);
      if (family === 0) data.writeBigUInt64BE(BigInt(value.number));
      let same = true;
      for (let bit = 0; bit < bits && same; bit++)
        same = ((bytes[bit >> 3]! ^ data[bit >> 3]!) & (0x80 >> (bit & 7))) === 0;
      if (same) best = { bits, entry };
    }
    return best?.entry;
  }
}

function wholeKey({ operand, node }: TableValue): string {
  const { family, number, bytes } = node.value as BitsValue;
  return `${operand} ${family} ${family === 0 ? number : Buffer.from(bytes).toString("hex")}`;
}
