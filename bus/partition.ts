/** Events are spread over this many subjects by node, so that engines can share them. Never changes: it is on the wire. */
export const PARTITIONS = 32;

/** The partition of a node's events: FNV-1a (32 bit) of the name's UTF-8 bytes, modulo 32. */
export function partitionOf(node: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(node, "utf8")) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % PARTITIONS;
}
