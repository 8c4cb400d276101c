/** An IPv4 address in the first four bytes at `at`. */
export function formatIpv4(bytes: Uint8Array, at = 0): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** The sixteen bytes at `at` in RFC 5952's form: lower case, the longest run of zero groups (two at least) as `::`. */
export function formatIpv6(bytes: Uint8Array, at = 0): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[at + i]! << 8) | bytes[at + i + 1]!);
  let best = { from: -1, length: 1 };
  for (let i = 0; i < 8;) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > best.length) best = { from: i, length: end - i };
    i = end + 1;
  }
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  if (best.from < 0) return hex(0, 8);
  return `${hex(0, best.from)}::${hex(best.from + best.length, 8)}`;
}

/** `tcp`, `udp`, or the protocol's number. */
export function protocolName(protocol: number): string {
  if (protocol === 6) return "tcp";
  return protocol === 17 ? "udp" : String(protocol);
}
