import { isIPv4, isIPv6 } from "node:net";

/** A range of addresses as numbers of `bits` bits (32 or 128); `low` has no host bits. */
export interface Range {
  bits: 32 | 128;
  low: bigint;
  high: bigint;
  length: number;
}

/** An address as a number; an IPv4 address inside IPv6 (`::ffff:1.2.3.4`) is IPv4, as Go takes it. Null when it is none. */
export function parseAddress(text: string): { bits: 32 | 128; value: bigint } | null {
  if (isIPv4(text)) return { bits: 32, value: fromIPv4(text) };
  if (!isIPv6(text) || text.includes("%")) return null;
  const value = fromIPv6(text);
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

/** `10.0.0.0/8`, `::1/128`; null when it is none. */
export function parseCidr(text: string): Range | null {
  const slash = text.lastIndexOf("/");
  const length = text.slice(slash + 1);
  if (slash < 0 || !/^\d{1,3}$/.test(length)) return null;
  const address = text.slice(0, slash);
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : null;
  if (bits === null || Number(length) > bits) return null;
  const value = bits === 32 ? fromIPv4(address) : fromIPv6(address);
  const host = (1n << BigInt(bits - Number(length))) - 1n;
  return { bits, low: value & ~host, high: value | host, length: Number(length) };
}

/** An address alone counts as the range of itself. */
export function parseRange(text: string): Range | null {
  const address = parseAddress(text);
  if (address === null) return parseCidr(text);
  return { bits: address.bits, low: address.value, high: address.value, length: address.bits };
}

/** Whether an address or range lies in a range; undefined when one of them is neither. */
export function cidrContains(range: string, inner: string): boolean | undefined {
  const outer = parseRange(range);
  const within = parseRange(inner);
  if (outer === null || within === null) return undefined;
  return outer.bits === within.bits && outer.low <= within.low && within.high <= outer.high;
}

export function formatAddress(value: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => (value >> BigInt(112 - 16 * i)) & 0xffffn);
  const text = groups.map((group) => group.toString(16)).join(":");
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

function fromIPv4(text: string): bigint {
  return BigInt(text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0));
}

function fromIPv6(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted ? fromIPv4(dotted[2]!) : 0n;
  const hex = dotted ? `${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}` : text;
  const [head = "", rest] = hex.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = rest === undefined || rest === "" ? [] : rest.split(":");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}
