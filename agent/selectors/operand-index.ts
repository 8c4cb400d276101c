import { type BitmapPool, combine, type Difference, turn } from "./bitmaps.ts";
import { type ClassPool, type Delta, DELTAS } from "./classes.ts";
import type { Condition } from "./condition.ts";
import type { Domain, DomainValue } from "./domains.ts";

/** A condition in the tables. `stamp` marks those that a value at hand lists. */
interface Reference {
  place: number;
  negative: boolean;
  /** Of a scope: the sets that it is in become known later. */
  member: string | undefined;
  hash: [number, number];
  stamp: number;
}

/** A bitmap that classes are made from, and how it differs from the one of values that nobody lists. */
interface Base {
  bitmap: number;
  difference: Difference;
}

/** What a class is: the conditions that list its values, by two hashes of 32 bits each and their count. */
interface Cover {
  class: number;
  base: Base;
  count: number;
  check: number;
  next: Cover | undefined;
}

/** A value of the tables. */
export interface Node<V extends DomainValue> {
  value: V;
  class: number;
  own: Reference[];
  parent: Node<V> | undefined;
  /** Hashes and number of the conditions that list it. */
  low: number;
  high: number;
  count: number;
  base: Base;
  /** For whoever keeps the tables. */
  entry: unknown;
}

/** More conditions at once than this, and all values are gone through once instead of once for each. */
const MANY = 16;

/**
 * What the selectors of a hook ask of one operand: a class for each value that they tell apart. Values that the same
 * conditions list have the same class. A selector that does not ask for the operand is in all of its classes.
 */
export class OperandIndex<V extends DomainValue> {
  readonly operand: number;
  readonly nodes = new Map<string | number, Node<V>>();
  /** Class of a value that is not there. */
  readonly none: number;
  readonly #domain: Domain<V>;
  readonly #bitmaps: BitmapPool;
  readonly #classes: ClassPool;
  readonly #changed: (node: Node<V>) => void;
  readonly #bases: Base[];
  readonly #covers = new Map<number, Cover>();
  readonly #byPlace = new Map<number, Reference[]>();
  readonly #sizes = new Map<number, number>();
  #ordered: number[] | undefined;
  #count = 0;
  #stamp = 0;

  constructor(
    operand: number,
    domain: Domain<V>,
    bitmaps: BitmapPool,
    classes: ClassPool,
    changed: (node: Node<V>) => void,
  ) {
    this.operand = operand;
    this.#domain = domain;
    this.#bitmaps = bitmaps;
    this.#classes = classes;
    this.#changed = changed;
    const base: Base = { bitmap: bitmaps.copy(0), difference: new Map() };
    this.#bases = [base];
    this.none = classes.add(base.bitmap, []);
  }

  /** Whether some value is only the beginning of values. */
  get shorter(): boolean {
    return this.#sizes.size > 0 && [...this.#sizes.keys()].some((size) => !this.#domain.isWhole(size));
  }

  isWhole(node: Node<V>): boolean {
    return this.#domain.isWhole(node.value.size);
  }

  /** Enters the selectors' conditions on this operand. */
  add(selectors: readonly { place: number; conditions: readonly Condition[] }[]): void {
    const listed: { reference: Reference; values: V[] }[] = [];
    for (const { place, conditions } of selectors) {
      const references = conditions.map((condition) => this.#reference(place, condition));
      this.#byPlace.set(place, references);
      if (!references.every(({ negative }) => negative))
        for (const { bitmap } of this.#bases) this.#bitmaps.set(bitmap, place, false);
      for (const [index, condition] of conditions.entries())
        listed.push({ reference: references[index]!, values: this.#domain.valuesOf(condition) });
    }
    this.#list(listed);
  }

  /** Enters a set of scopes: it is listed by the conditions that ask for one of its members. */
  addListed(value: V, places: readonly { place: number; member: string }[]): void {
    const listed = places.flatMap(({ place, member }) =>
      (this.#byPlace.get(place) ?? [])
        .filter((reference) => reference.member === member)
        .map((reference) => ({ reference, values: [value] })),
    );
    this.#list(listed);
  }

  #reference(place: number, condition: Condition): Reference {
    const number = ++this.#count;
    const member = condition.type === "set" ? condition.member : undefined;
    return { place, negative: condition.negative, member, hash: [mix(number), mix(number ^ 0x5bd1e995)], stamp: 0 };
  }

  #list(listed: readonly { reference: Reference; values: readonly V[] }[]): void {
    const fresh = new Set<Node<V>>();
    const touched = new Set<Node<V>>();
    for (const { reference, values } of listed)
      for (const value of values) {
        let node = this.nodes.get(value.key);
        if (node === undefined) {
          node = this.#node(value);
          fresh.add(node);
        }
        if (node.own.at(-1) !== reference) node.own.push(reference);
        touched.add(node);
      }
    const contains = this.#contain();
    if (!contains) for (const node of touched) this.#classify(node);
    else if (touched.size > MANY) this.#all();
    else for (const node of this.#affected(touched, fresh)) this.#classify(node);
  }

  #node(value: V): Node<V> {
    const node: Node<V> = {
      ...{ value, class: -1, own: [], parent: undefined, low: 0, high: 0, count: 0 },
      ...{ base: this.#bases[0]!, entry: undefined },
    };
    this.nodes.set(value.key, node);
    const count = this.#sizes.get(value.size) ?? 0;
    if (count === 0) this.#ordered = undefined;
    this.#sizes.set(value.size, count + 1);
    return node;
  }

  /** Whether values can contain each other as they are now. */
  #contain(): boolean {
    return this.#sizes.size > 1 && this.shorter;
  }

  #all(): void {
    const nodes = [...this.nodes.values()].sort((a, b) => a.value.size - b.value.size);
    for (const node of nodes) {
      node.parent = this.#parentOf(node.value);
      this.#classify(node);
    }
  }

  /** The nodes whose conditions have changed, those before that contain others, with parents as they are now. */
  #affected(touched: ReadonlySet<Node<V>>, fresh: ReadonlySet<Node<V>>): Node<V>[] {
    const affected = new Set(touched);
    for (const node of touched) {
      if (fresh.has(node)) node.parent = this.#parentOf(node.value);
      if (this.isWhole(node)) continue;
      for (const other of this.nodes.values())
        if (
          other.value.size > node.value.size &&
          this.#domain.containerKey(other.value, node.value.size) === node.value.key
        ) {
          affected.add(other);
          if (fresh.has(node) && (other.parent === undefined || other.parent.value.size < node.value.size))
            other.parent = node;
        }
    }
    return [...affected].sort((a, b) => a.value.size - b.value.size);
  }

  #parentOf(value: V): Node<V> | undefined {
    this.#ordered ??= [...this.#sizes.keys()].sort((a, b) => b - a);
    for (const size of this.#ordered) {
      if (size >= value.size) continue;
      const parent = this.nodes.get(this.#domain.containerKey(value, size));
      if (parent !== undefined && parent.value.size === size) return parent;
    }
    return undefined;
  }

  #classify(node: Node<V>): void {
    const { parent } = node;
    let low = parent?.low ?? 0;
    let high = parent?.high ?? 0;
    for (const { hash } of node.own) {
      low = (low + hash[0]) >>> 0;
      high = (high + hash[1]) >>> 0;
    }
    node.low = low;
    node.high = high;
    node.count = (parent?.count ?? 0) + node.own.length;
    const cover = this.#coverOf(node);
    node.base = cover.base;
    if (node.class === cover.class) return;
    node.class = cover.class;
    this.#changed(node);
  }

  #coverOf(node: Node<V>): Cover {
    const { low, high, count } = node;
    const key = low + (high & 0xf_ffff) * 2 ** 32;
    const first = this.#covers.get(key);
    for (let cover = first; cover !== undefined; cover = cover.next)
      if (cover.check === high && cover.count === count) return cover;
    const { number, base } = this.#classOf(node);
    const cover: Cover = { class: number, base, count, check: high, next: first };
    this.#covers.set(key, cover);
    return cover;
  }

  #classOf(node: Node<V>): { number: number; base: Base } {
    const none = this.#bases[0]!;
    // most values are of this kind: one condition lists them, its selector's only one here
    if (node.own.length === 1 && node.parent === undefined) {
      const { place } = node.own[0]!;
      if (this.#byPlace.get(place)!.length === 1)
        return { number: this.#classes.add(none.bitmap, [deltaOf(place)]), base: none };
    }
    const difference = this.#differenceOf(node);
    for (const base of new Set([none, node.parent?.base ?? none])) {
      const left = combine(difference, base.difference);
      if (left.size <= DELTAS) return { number: this.#classes.add(base.bitmap, deltasOf(left)), base };
    }
    const base = { bitmap: this.#bitmaps.copy(none.bitmap, difference), difference };
    this.#bases.push(base);
    return { number: this.#classes.add(base.bitmap, []), base };
  }

  /** Where the value's class differs from the one of values that nobody lists. */
  #differenceOf(node: Node<V>): Difference {
    const stamp = ++this.#stamp;
    const places = new Set<number>();
    for (let at: Node<V> | undefined = node; at !== undefined; at = at.parent)
      for (const reference of at.own) {
        reference.stamp = stamp;
        places.add(reference.place);
      }
    const difference: Difference = new Map();
    for (const place of places) {
      const references = this.#byPlace.get(place)!;
      const holds = references.every((one) => (one.stamp === stamp) !== one.negative);
      if (holds !== references.every((one) => one.negative)) turn(difference, place);
    }
    return difference;
  }
}

function deltaOf(place: number): Delta {
  const bit = 1 << (place & 31);
  return (place & 32) === 0 ? [place >> 6, bit, 0] : [place >> 6, 0, bit];
}

function deltasOf(difference: Difference): Delta[] {
  return [...difference].map(([word, [low, high]]) => [word, low, high]);
}

/** The finalizer of MurmurHash3: numbers that follow each other become unlike. */
function mix(number: number): number {
  let hash = number | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
