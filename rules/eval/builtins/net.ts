import type { Builtins } from "./builtin.ts";
import { formatAddress, parseCidr, parseRange } from "../../../bus/formula/cidr.ts";
import type { Range } from "../../../bus/formula/cidr.ts";

const EXPAND_MAX = 65_536n;

export const NET: Builtins = {
  "net.cidr_is_valid": (cidr) => typeof cidr === "string" && parseCidr(cidr) !== null,

  "net.cidr_contains_matches": (ranges, inner) => {
    const matches: unknown[] = [];
    for (const [i, range] of entries(ranges)) {
      for (const [j, item] of entries(inner)) {
        const outer = parseCidr(range);
        const within = parseRange(item);
        if (outer === null || within === null) return undefined;
        if (outer.bits === within.bits && outer.low <= within.low && within.high <= outer.high) matches.push([i, j]);
      }
    }
    return matches;
  },

  "net.cidr_expand": (cidr) => {
    const range = typeof cidr === "string" ? parseCidr(cidr) : null;
    if (range === null || range.high - range.low >= EXPAND_MAX) return undefined;
    const addresses: string[] = [];
    for (let value = range.low; value <= range.high; value++) addresses.push(formatAddress(value, range.bits));
    return addresses;
  },

  "net.cidr_merge": (list) => {
    const ranges = entries(list).map(([, text]) => parseRange(text));
    if (ranges.includes(null)) return undefined;
    const sorted = (ranges as Range[]).sort((a, b) => a.bits - b.bits || (a.low < b.low ? -1 : 1));
    const merged: Range[] = [];
    for (const range of sorted) {
      const last = merged.at(-1);
      if (last && last.bits === range.bits && range.low <= last.high + 1n) {
        if (range.high > last.high) last.high = range.high;
      } else merged.push({ ...range });
    }
    return merged.flatMap(toCidrs);
  },
};

/** The fewest CIDRs that make up a range. */
function toCidrs(range: Range): string[] {
  const cidrs: string[] = [];
  let low = range.low;
  while (low <= range.high) {
    let size = 0;
    while (size < range.bits) {
      const block = 1n << BigInt(size + 1);
      if (low % block !== 0n || low + block - 1n > range.high) break;
      size++;
    }
    cidrs.push(`${formatAddress(low, range.bits)}/${range.bits - size}`);
    low += 1n << BigInt(size);
  }
  return cidrs;
}

/** The texts of a string, array, set (an array here) or object, or of arrays of which each begins with one, with their keys. */
function entries(value: unknown): [unknown, string][] {
  if (typeof value === "string") return [[value, value]];
  const pairs: [unknown, unknown][] = Array.isArray(value)
    ? value.map((item, index): [unknown, unknown] => [index, item])
    : Object.entries((value ?? {}) as Record<string, unknown>);
  return pairs.map(([key, item]) => [key, String(Array.isArray(item) ? item[0] : item)]);
}
