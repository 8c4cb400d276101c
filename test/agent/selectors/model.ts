import { hasBit } from "../../../agent/selectors/class-pool.ts";
import type { HookTables } from "../../../agent/selectors/compile.ts";
import { MODE_NUMBER, type NormalSelector } from "../../../agent/selectors/normalize.ts";
import { OPERAND } from "../../../agent/selectors/operands.ts";
import type { OracleEvent } from "../../../agent/selectors/oracle.ts";
import type { PathHash } from "../../../agent/selectors/path-hash.ts";

export interface ModelEvent extends Omit<OracleEvent, "cgroups" | "trees"> {
  cgroupSet: number;
  /** Null: not known. */
  treeSet: number | null;
}

const HELD = 255;

/** What bpf/include/match*.h does with compiled tables, in TypeScript. */
export class Model {
  readonly #tables: HookTables;
  readonly #hash: PathHash;
  readonly #values: Map<string, { class: number; text: number }>;

  constructor(tables: HookTables, hash: PathHash) {
    this.#tables = tables;
    this.#hash = hash;
    this.#values = new Map(tables.values.map((entry) => [`${entry.operand} ${entry.value}`, entry]));
  }

  /** Ids of the monitoring selectors told of, and of the one that decides, each with whether it was undecided. */
  decide(event: ModelEvent): {
    monitored: [NormalSelector, boolean][];
    decided: [NormalSelector, boolean] | undefined;
  } {
    const { selectors, classes, enforcing, none } = this.#tables;
    let unknown = 0;
    const operands = [...none];
    for (const [base, path] of [
      [OPERAND.binary, event.binary],
      [OPERAND.parent, event.parent],
    ] as const) {
      if (path === null) unknown |= 7 << base;
      else {
        const bytes = Buffer.from(path);
        if (bytes.length > HELD) unknown |= 4 << base;
        this.#path(operands, base, bytes);
      }
    }
    operands[OPERAND.uid] = this.#number(OPERAND.uid, event.uid, 32);
    operands[OPERAND.cgroup] = this.#number(OPERAND.cgroup, event.cgroupSet, 32);
    if (event.treeSet === null) unknown |= 1 << OPERAND.tree;
    else operands[OPERAND.tree] = this.#number(OPERAND.tree, event.treeSet, 32);
    if (event.destination) {
      const { family, bytes, port } = event.destination;
      operands[OPERAND.dport] = this.#number(OPERAND.dport, port, 16);
      operands[OPERAND.daddr] = this.#prefix(OPERAND.daddr, family, bytes) ?? none[OPERAND.daddr]!;
    }
    const bitmaps = operands.map((number, operand) => classes[(unknown >> operand) & 1 ? 0 : number]!);
    const monitored: [NormalSelector, boolean][] = [];
    for (const [index, selector] of selectors.entries()) {
      if (!bitmaps.every((bitmap) => hasBit(bitmap, index))) continue;
      if (selector.deadline !== null && event.now >= selector.deadline) continue;
      const undecided = selector.conditions.some(({ operand }) => (unknown >> operand) & 1);
      if (hasBit(classes[enforcing]!, index)) return { monitored, decided: [selector, undecided] };
      if (selector.mode === MODE_NUMBER.monitor) monitored.push([selector, undecided]);
    }
    return { monitored, decided: undefined };
  }

  #path(operands: number[], base: number, bytes: Buffer): void {
    const held = bytes.subarray(0, HELD);
    if (bytes.length === held.length) {
      const exact = this.#text(base, held, true);
      if (exact !== undefined) operands[base] = exact;
    }
    for (const [offset, text] of [
      [1, held],
      [2, Buffer.from(held).reverse()],
    ] as const) {
      const lengths = this.#tables.lengths[(base === OPERAND.parent ? 2 : 0) + offset - 1]!;
      for (let length = 1; length <= text.length; length++) {
        if (!lengths.any.has(length) && !(lengths.slash.has(length) && text[length - 1] === 0x2f)) continue;
        const found = this.#text(base + offset, text.subarray(0, length), false);
        if (found !== undefined) operands[base + offset] = found;
      }
    }
  }

  #text(operand: number, text: Uint8Array, exact: boolean): number | undefined {
    const entry = this.#values.get(`${operand} ${this.#hash.of(text, exact)}`);
    return entry && Buffer.compare(this.#tables.texts[entry.text]!, text) === 0 ? entry.class : undefined;
  }

  #number(operand: number, value: number, width: 16 | 32): number {
    const none = this.#tables.none[operand]!;
    if (((this.#tables.ranged >> operand) & 1) === 0)
      return this.#values.get(`${operand} ${BigInt(value)}`)?.class ?? none;
    const bytes = Buffer.alloc(width / 8);
    bytes.writeUIntBE(value, 0, width / 8);
    return this.#prefix(operand, 0, bytes) ?? none;
  }

  #prefix(operand: number, family: number, bytes: Uint8Array): number | undefined {
    let best: { bits: number; class: number } | undefined;
    for (const entry of this.#tables.prefixes) {
      if (entry.operand !== operand || entry.family !== family) continue;
      if (best !== undefined && best.bits > entry.bits) continue;
      let same = true;
      for (let bit = 0; bit < entry.bits && same; bit++)
        same = ((bytes[bit >> 3]! ^ entry.data[bit >> 3]!) & (0x80 >> (bit & 7))) === 0;
      if (same) best = entry;
    }
    return best?.class;
  }
}
