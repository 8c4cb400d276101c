import { createHash } from "node:crypto";
import { decodeToken, encodeToken } from "./tokens.ts";

export interface EventId {
  node: string;
  /** First eight hex digits of the kernel's boot id. */
  boot: string;
  /** Starts of the agent on this node, counted up. */
  epoch: number;
  kind: string;
  /** Counts per kind, so that whoever reads one kind sees its gaps. */
  seq: number;
}

/** `<node>/<boot>/<epoch>/<kind>/<seq>`, the node written as a token. */
export function formatEventId(id: EventId): string {
  return `${encodeToken(id.node)}/${id.boot}/${id.epoch}/${id.kind}/${id.seq}`;
}

export function parseEventId(text: string): EventId | null {
  const parts = /^([^/]+)\/([0-9a-f]+)\/(\d+)\/([a-z_]+)\/(\d+)$/.exec(text);
  const node = parts === null ? null : decodeToken(parts[1]!);
  if (parts === null || node === null) return null;
  return { node, boot: parts[2]!, epoch: Number(parts[3]), kind: parts[4]!, seq: Number(parts[5]) };
}

/** An alert's id: the same for the same rule and event, however often it is found. 32 hex digits. */
export function alertId(rule: string, eventId: string): string {
  return shortHash(["alert", rule, eventId]);
}

/** Message id of the n-th decision of a policy on one alert: the same again when the alert is handled again. */
export function decisionMessageId(policy: string, alert: string, n: number): string {
  return shortHash(["decision", policy, alert, String(n)]);
}

/** First 128 bits of the SHA-256 of the parts, as hex. Parts are separated, so ["a", "bc"] is not ["ab", "c"]. */
export function shortHash(parts: string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex").slice(0, 32);
}

/** `sha256:<hex>` of the bytes. */
export function contentDigest(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
