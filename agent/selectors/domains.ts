import { type Network, masked } from "./address.ts";
import type { Condition } from "./condition.ts";
import { textOperand } from "./operands.ts";

/** A value that the tables tell apart, or the beginning of values. */
export interface DomainValue {
  /** Unique within the operand. */
  key: string | number;
  /** Bytes of a text, bits of a number or address: larger is more specific. */
  size: number;
}

export interface TextValue extends DomainValue {
  key: string;
  /** Reversed for suffixes. */
  bytes: Uint8Array;
}

export interface BitsValue extends DomainValue {
  /** 0 for numbers. */
  family: 0 | 4 | 6;
  number: number;
  bytes: Uint8Array;
}

/**
 * The values of one operand: which ones a condition lists, and which contain which. What is looked up is the most specific
 * value that there is, so each inherits what those that contain it list.
 */
export interface Domain<V extends DomainValue> {
  valuesOf(condition: Condition): V[];
  /** Whether a value of this size contains no other one. */
  isWhole(size: number): boolean;
  /** The key of the value of size `size` that contains `value`. */
  containerKey(value: V, size: number): string | number;
}

/** Texts of one of a path's three operands. */
export function textDomain(operand: number): Domain<TextValue> {
  const { kind } = textOperand(operand);
  const value = (text: string): TextValue => {
    const bytes = Buffer.from(text);
    if (kind === "suffix") bytes.reverse();
    return { key: bytes.toString("latin1"), size: kind === "exact" ? 0 : bytes.length, bytes };
  };
  return {
    valuesOf: (condition) => (condition.type === "text" ? condition.texts.map(value) : []),
    isWhole: () => kind === "exact",
    containerKey: ({ key }, size) => key.slice(0, size),
  };
}

export const NUMBER_BITS = 64;
const EMPTY = new Uint8Array();

function numberKey(number: number, bits: number): string | number {
  return bits === NUMBER_BITS ? number : `${bits}/${number}`;
}

function numberValue(number: number, bits: number): BitsValue {
  return { key: numberKey(number, bits), size: bits, family: 0, number, bytes: EMPTY };
}

/** Numbers of up to 53 bits, as the beginnings of 64 bits. */
export const NUMBERS: Domain<BitsValue> = {
  valuesOf: (condition) =>
    condition.type === "number"
      ? condition.ranges.flatMap(([low, high]) =>
          prefixesOf(low, high).map(({ value, bits }) => numberValue(value, bits)),
        )
      : [],
  isWhole: (size) => size === NUMBER_BITS,
  containerKey: ({ number }, size) => {
    const step = 2 ** (NUMBER_BITS - size);
    return numberKey(Math.floor(number / step) * step, size);
  },
};

/** All combinations of the bits that a hook's own mask operand is asked for. */
export function maskDomain(care: number): Domain<BitsValue> {
  return {
    valuesOf: (condition) =>
      condition.type === "mask"
        ? combinations(care)
            .filter((bits) => (BigInt(bits) & condition.mask) !== 0n)
            .map((bits) => numberValue(bits, NUMBER_BITS))
        : [],
    isWhole: (size) => size === NUMBER_BITS,
    containerKey: ({ key }) => key,
  };
}

function combinations(care: number): number[] {
  const all = [0];
  for (let bit = 1; bit <= care; bit *= 2) if ((care & bit) !== 0) all.push(...all.map((one) => one + bit));
  return all;
}

export const ADDRESS_BITS = { 4: 32, 6: 128 } as const;

function networkKey({ family, bytes }: Pick<Network, "family" | "bytes">, bits: number): string | number {
  if (family === 6) return `${bits}/${Buffer.from(masked(bytes, bits)).toString("latin1")}`;
  const number = bytes[0]! * 2 ** 24 + ((bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!);
  const step = 2 ** (32 - bits);
  return bits * 2 ** 32 + Math.floor(number / step) * step;
}

/** Added to the sizes of IPv6, so that the families stay apart. */
const IPV6 = 1000;

/** IPv4 and IPv6. */
export const ADDRESSES: Domain<BitsValue> = {
  valuesOf: (condition) =>
    condition.type === "address"
      ? condition.networks.map((network) => ({
          key: networkKey(network, network.bits),
          size: network.bits + (network.family === 6 ? IPV6 : 0),
          family: network.family,
          number: 0,
          bytes: network.bytes,
        }))
      : [],
  isWhole: (size) => size === ADDRESS_BITS[4] || size === IPV6 + ADDRESS_BITS[6],
  containerKey: (value, size) => {
    const family = value.family as 4 | 6;
    if (size >= IPV6 !== (family === 6)) return "";
    return networkKey({ family, bytes: value.bytes }, size % IPV6);
  },
};

/** A number's highest `bits` bits of 64. */
export interface BitPrefix {
  value: number;
  bits: number;
}

/** The fewest prefixes that together are `low`..`high`. */
export function prefixesOf(low: number, high: number): BitPrefix[] {
  const prefixes: BitPrefix[] = [];
  for (let at = low; at <= high;) {
    let size = 1;
    while (at % (size * 2) === 0 && at + size * 2 - 1 <= high) size *= 2;
    prefixes.push({ value: at, bits: NUMBER_BITS - Math.log2(size) });
    at += size;
  }
  return prefixes;
}

/** Bits of an address's beginning, by its size. */
export function addressBits(size: number): number {
  return size % IPV6;
}
