import { type Bitmap, BitmapPool, PLACES, setBit, WORDS } from "./bitmaps.ts";
import { ClassPool } from "./classes.ts";
import type { Condition } from "./condition.ts";
import { ADDRESSES, type BitsValue, maskDomain, NUMBER_BITS, NUMBERS, type TextValue, textDomain } from "./domains.ts";
import { SelectorError } from "./errors.ts";
import type { NormalSelector } from "./normalize.ts";
import { type Node, OperandIndex } from "./operand-index.ts";
import { OPERAND, OPERANDS, textOperand } from "./operands.ts";
import { KIND, kindOf } from "./order.ts";
import type { PathHash } from "./path-hash.ts";
import { MAX_SELECTORS, Places } from "./places.ts";
import type { ScopeSets } from "./scope-sets.ts";

/** MATCH_ATOMS. */
export const MAX_ATOMS = 64;
/** Bits of a hook's own mask that selectors may ask for, all together. */
export const MAX_CARE_BITS = 10;

/** Prefix lengths that the tables have, by walk: those whose text ends in a slash, and the others. */
export interface PathLengths {
  slash: Set<number>;
  any: Set<number>;
}

/** One test of a mask of the process: bitmaps for values that have any of its bits, and for those that have none. */
export interface Atom {
  operand: number;
  mask: bigint;
  set: { class: number; bitmap: number };
  clear: { class: number; bitmap: number };
}

/** A value of the tables that stands in the kernel's map of whole values, or of beginnings. */
export interface TableValue {
  /** Its place among the values. */
  number: number;
  operand: number;
  node: Node<TextValue> | Node<BitsValue>;
  /** Index of a text; 0 for others. */
  text: number;
  /** Its hash. */
  hash: readonly [low: number, high: number] | undefined;
  whole: boolean;
}

/** What has changed and is not in the kernel's maps yet. Values, classes and texts only ever grow. */
export interface Changes {
  /** Values whose class is another one. */
  nodes: Set<TableValue>;
  bitmaps: Set<number>;
  words: Set<number>;
}

/** Nothing can be added to these tables: they are to be made anew. */
export class TablesFull extends Error {}

type AnyIndex = OperandIndex<TextValue> | OperandIndex<BitsValue>;

/**
 * One hook's tables, as the kernel looks them up: see bpf/include/match_tables.h. Selectors are added to them and taken out
 * of them one by one; the places of those that went are not given again, so that tables with many of these are made anew.
 */
export class HookTables {
  /** By place; undefined where nobody is (any more). */
  readonly selectors: (NormalSelector | undefined)[] = [];
  /** The last one at each place, for events and records that are still on their way. */
  readonly last: NormalSelector[] = [];
  readonly places: Places;
  readonly bitmaps: BitmapPool;
  readonly classes = new ClassPool();
  readonly indexes = new Map<number, AnyIndex>();
  readonly values: TableValue[] = [];
  readonly atoms: Atom[] = [];
  /** Own mask operands: the bits that are looked up. */
  readonly care = new Map<number, number>();
  /** The first is kept free. */
  readonly texts: Uint8Array[] = [new Uint8Array()];
  readonly lengths: PathLengths[] = Array.from({ length: 8 }, () => ({ slash: new Set(), any: new Set() }));
  /** The places that are taken. */
  readonly live: Bitmap = new Uint32Array(WORDS * 2);
  readonly changes: Changes = { nodes: new Set(), bitmaps: new Set(), words: new Set() };
  readonly hash: PathHash;
  readonly #sets: ScopeSets;
  readonly #hashes = new Map<number, Set<number>>();
  /** Places by member of a scope, for each operand of sets. */
  readonly #members = new Map<number, Map<string, number[]>>();
  /** The places of the selectors that they were made with, in that order. */
  readonly firstPlaces: readonly number[];
  #seenSets = 1;
  #count = 0;
  #gone = 0;

  /** @throws SelectorError `limit`, `collision` (two texts with one hash: make them again with another hash) */
  constructor(selectors: readonly NormalSelector[], sets: ScopeSets, hash: PathHash) {
    if (selectors.length > MAX_SELECTORS)
      throw new SelectorError("limit", `${selectors.length} selectors; a hook takes up to ${MAX_SELECTORS}`);
    this.#sets = sets;
    this.hash = hash;
    this.bitmaps = new BitmapPool((number) => this.changes.bitmaps.add(number));
    this.changes.bitmaps.add(0);
    this.places = new Places(selectors);
    for (const [operand, mask] of careOf(selectors)) this.care.set(operand, mask);
    this.firstPlaces = this.update([], selectors);
  }

  /** Selectors that are in the tables. */
  get size(): number {
    return this.#count;
  }

  /** Whether so many have gone that new tables are worth their making. */
  get wasteful(): boolean {
    return this.#gone > 64 && this.#gone * 2 > this.#count;
  }

  get words(): number {
    return this.places.words.length;
  }

  /** Whether some selector decides: what cannot be matched at all is then denied. */
  get enforces(): boolean {
    return this.selectors.some((selector) => selector !== undefined && kindOf(selector) === KIND.decide);
  }

  /**
   * Takes selectors out and puts others in; returns their places.
   * @throws TablesFull, SelectorError: the tables are then to be thrown away.
   */
  update(gone: readonly number[], come: readonly NormalSelector[]): number[] {
    for (const place of gone) {
      this.selectors[place] = undefined;
      // nothing else: events that are matched with the slot in use still need the selector
      setBit(this.live, place, false);
    }
    this.#gone += gone.length;
    this.#count += come.length - gone.length;
    this.#enterSets();
    const places = this.#placeAll(come);
    this.#enter(come, places);
    return places;
  }

  /** Gives the selector at a place another deadline, rate or priority of the same kind. */
  replace(place: number, selector: NormalSelector): void {
    this.selectors[place] = this.last[place] = selector;
    this.places.raise(selector, place);
    this.changes.words.add(place >> 6);
  }

  /** Takes in the sets of scopes that have been numbered meanwhile; returns whether any matters here. */
  enterSets(): boolean {
    return this.#enterSets();
  }

  /** Every condition's operands that some selector asks for. */
  get active(): bigint {
    let bits = 0n;
    for (const operand of this.indexes.keys()) bits |= 1n << BigInt(operand);
    for (const { operand } of this.atoms) bits |= 1n << BigInt(operand);
    return bits;
  }

  get shorter(): bigint {
    let bits = 0n;
    for (const [operand, index] of this.indexes) if (index.shorter) bits |= 1n << BigInt(operand);
    return bits;
  }

  /** Class of values that are in no table, by operand. */
  get none(): number[] {
    return Array.from({ length: OPERANDS }, (_, operand) => this.indexes.get(operand)?.none ?? 0);
  }

  /** Selectors that name the same text stand together: the class of that text then differs from others in few words. */
  #placeAll(come: readonly NormalSelector[]): number[] {
    const texts = come.map(firstText);
    const order = [...come.keys()].sort((a, b) => (texts[a]! < texts[b]! ? -1 : texts[a]! > texts[b]! ? 1 : a - b));
    const places: number[] = Array.from({ length: come.length });
    for (const index of order) places[index] = this.#place(come[index]!);
    return places;
  }

  #place(selector: NormalSelector): number {
    const place = this.places.take(selector);
    if (place === undefined || place >= PLACES) throw new TablesFull();
    this.selectors[place] = this.last[place] = selector;
    setBit(this.live, place, true);
    this.changes.words.add(place >> 6);
    return place;
  }

  #enter(come: readonly NormalSelector[], places: readonly number[]): void {
    const byOperand = new Map<number, { place: number; conditions: Condition[] }[]>();
    for (const [index, { conditions }] of come.entries())
      for (const condition of conditions) {
        const place = places[index]!;
        if (condition.type === "ancestors" || (condition.type === "mask" && condition.operand < OPERAND.own))
          this.#enterAtom(condition, place);
        else if (condition.type === "mask" && this.#isCareNew(condition)) throw new TablesFull();
        else this.#group(byOperand, condition, place);
      }
    for (const [operand, selectors] of byOperand) {
      const index = this.#indexOf(operand, selectors[0]!.conditions[0]!);
      index.add(selectors);
      if (selectors[0]!.conditions[0]!.type === "set") this.#enterMembers(operand, selectors);
    }
  }

  #group(groups: Map<number, { place: number; conditions: Condition[] }[]>, condition: Condition, place: number): void {
    let list = groups.get(condition.operand);
    if (list === undefined) groups.set(condition.operand, (list = []));
    const last = list.at(-1);
    if (last?.place === place) last.conditions.push(condition);
    else list.push({ place, conditions: [condition] });
  }

  #isCareNew({ operand, mask }: Extract<Condition, { type: "mask" }>): boolean {
    return (mask & ~BigInt(this.care.get(operand) ?? 0)) !== 0n;
  }

  #indexOf(operand: number, { type }: Condition): AnyIndex {
    const known = this.indexes.get(operand);
    if (known !== undefined) return known;
    const changed = (node: Node<TextValue> | Node<BitsValue>) => this.#change(operand, node);
    const { bitmaps, classes } = this;
    const index =
      type === "text"
        ? new OperandIndex(operand, textDomain(operand), bitmaps, classes, changed)
        : new OperandIndex(operand, this.#domainOf(operand, type), bitmaps, classes, changed);
    this.indexes.set(operand, index);
    return index;
  }

  #domainOf(operand: number, type: Condition["type"]) {
    if (type === "address") return ADDRESSES;
    return type === "mask" ? maskDomain(this.care.get(operand) ?? 0) : NUMBERS;
  }

  #change(operand: number, node: Node<TextValue> | Node<BitsValue>): void {
    let entry = node.entry as TableValue | undefined;
    if (entry === undefined) {
      node.entry = entry = this.#entry(operand, node);
      this.values.push(entry);
    }
    this.changes.nodes.add(entry);
  }

  #entry(operand: number, node: Node<TextValue> | Node<BitsValue>): TableValue {
    if (!("bytes" in node.value && typeof node.value.key === "string" && !("family" in node.value))) {
      const index = this.indexes.get(operand) as OperandIndex<BitsValue>;
      const whole = index.isWhole(node as Node<BitsValue>);
      return { number: this.values.length, operand, node, text: 0, hash: undefined, whole };
    }
    const { bytes } = node.value;
    const { kind, family } = textOperand(operand);
    const hash = this.hash.of(bytes, kind === "exact");
    // a collision of 53 of its bits is as rare as one of all
    const key = (hash[1] & 0x1f_ffff) * 2 ** 32 + hash[0];
    let hashes = this.#hashes.get(operand);
    if (hashes === undefined) this.#hashes.set(operand, (hashes = new Set()));
    if (hashes.has(key)) throw new SelectorError("collision", "two texts have the same hash under this key");
    hashes.add(key);
    if (kind !== "exact") {
      const lengths = this.lengths[family * 2 + (kind === "suffix" ? 1 : 0)]!;
      (bytes.at(-1) === 0x2f ? lengths.slash : lengths.any).add(bytes.length);
    }
    return { number: this.values.length, operand, node, text: this.texts.push(bytes) - 1, hash, whole: true };
  }

  #enterAtom({ operand, mask, negative }: Extract<Condition, { mask: bigint }>, place: number): void {
    let atom = this.atoms.find((one) => one.operand === operand && one.mask === mask);
    if (atom === undefined) {
      if (this.atoms.length >= MAX_ATOMS)
        throw new SelectorError("limit", `more than ${MAX_ATOMS} different masks of capabilities and properties`);
      const all = () => {
        const bitmap = this.bitmaps.copy(0);
        return { bitmap, class: this.classes.add(bitmap, []) };
      };
      atom = { operand, mask, set: all(), clear: all() };
      this.atoms.push(atom);
    }
    this.bitmaps.set((negative ? atom.set : atom.clear).bitmap, place, false);
  }

  #enterMembers(operand: number, selectors: readonly { place: number; conditions: readonly Condition[] }[]): void {
    let members = this.#members.get(operand);
    if (members === undefined) this.#members.set(operand, (members = new Map()));
    const wanted = new Map<string, number[]>();
    for (const { place, conditions } of selectors)
      for (const condition of conditions) {
        if (condition.type !== "set") continue;
        for (const map of [members, wanted]) {
          const places = map.get(condition.member);
          if (places) places.push(place);
          else map.set(condition.member, [place]);
        }
      }
    for (const { number, members: set } of this.#sets.with(new Set(wanted.keys())))
      this.#enterSet(operand, number, set, wanted);
  }

  #enterSets(): boolean {
    let any = false;
    const fresh = this.#sets.from(this.#seenSets);
    this.#seenSets += fresh.length;
    for (const [operand, members] of this.#members)
      for (const { number, members: set } of fresh) any = this.#enterSet(operand, number, set, members) || any;
    return any;
  }

  #enterSet(
    operand: number,
    number: number,
    set: ReadonlySet<string>,
    wanted: ReadonlyMap<string, readonly number[]>,
  ): boolean {
    const places = [...set].flatMap((member) => wanted.get(member)?.map((place) => ({ place, member })) ?? []);
    if (places.length === 0) return false;
    const index = this.indexes.get(operand) as OperandIndex<BitsValue>;
    const value: BitsValue = { key: number, size: NUMBER_BITS, family: 0, number, bytes: new Uint8Array() };
    index.addListed(value, places);
    return true;
  }
}

function firstText({ conditions }: NormalSelector): string {
  for (const condition of conditions) if (condition.type === "text") return condition.texts[0] ?? "";
  return "";
}

function careOf(selectors: readonly NormalSelector[]): Map<number, number> {
  const care = new Map<number, number>();
  for (const { conditions } of selectors)
    for (const condition of conditions)
      if (condition.type === "mask" && condition.operand >= OPERAND.own)
        care.set(condition.operand, (care.get(condition.operand) ?? 0) | Number(condition.mask));
  return care;
}
