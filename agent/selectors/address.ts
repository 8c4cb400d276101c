import { isIP } from "node:net";

/** Addresses that begin with the first `bits` bits of `bytes`. */
export interface Network {
  family: 4 | 6;
  /** 4 or 16 bytes, zero beyond `bits`. */
  bytes: Uint8Array;
  bits: number;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * Reads an address (`10.0.0.1`, `fd00::1`) or `address/length`; undefined when it is neither. IPv4 in IPv6 form becomes
 * IPv4: families are apart, so that `::/0` is every IPv6 address and no IPv4 one.
 */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", length, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0 || address.includes("%")) return undefined;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const bytes = family === 4 ? parseIpv4(address) : parseIpv6(address);
  const bits = length === undefined ? bytes.length * 8 : Number(length);
  if (bits > bytes.length * 8) return undefined;
  if (family === 6 && bits >= 96 && isMapped(bytes))
    return { family: 4, bytes: masked(bytes.slice(12), bits - 96), bits: bits - 96 };
  return { family: family === 4 ? 4 : 6, bytes: masked(bytes, bits), bits };
}

/** Whether `bytes` (of the network's family) lies in the network. */
export function inNetwork(network: Network, family: 4 | 6, bytes: Uint8Array): boolean {
  if (network.family !== family) return false;
  return Buffer.compare(masked(bytes, network.bits), network.bytes) === 0;
}

/** A copy with zeros beyond the first `bits` bits. */
export function masked(bytes: Uint8Array, bits: number): Uint8Array {
  const result = bytes.slice();
  for (let index = bits >> 3; index < result.length; index++) result[index]! &= 0xff00 >> Math.max(0, bits - index * 8);
  return result;
}

function isMapped(bytes: Uint8Array): boolean {
  return MAPPED.every((byte, index) => bytes[index] === byte);
}

function parseIpv4(text: string): Uint8Array {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) at++;
    else bytes[at] = bytes[at]! * 10 + code - 0x30;
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = dotted ? dotted[1]! + wordsOf(parseIpv4(dotted[2]!)) : text;
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const words = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  return Uint8Array.from(words.flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 0xff]));
}

function wordsOf(bytes: Uint8Array): string {
  return `${((bytes[0]! << 8) | bytes[1]!).toString(16)}:${((bytes[2]! << 8) | bytes[3]!).toString(16)}`;
}
