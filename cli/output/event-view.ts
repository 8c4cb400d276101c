import type { Because } from "../../bus/types/selector.ts";

/**
 * What the printers read of an event. They take whatever came over the wire, also a kind or a field that this version does
 * not know, so everything but the envelope is optional; `Event` of bus/generated is assignable to it.
 */
export interface EventView {
  id: string;
  kind: string;
  node: string;
  time: string;
  process?: ProcessView | null;
  parent?: { pid?: number; binary?: string; arguments?: string } | null;
  status?: number;
  signal?: string | null;
  duration_ns?: number | bigint | null;
  selector?: string;
  policy?: string | null;
  hook?: string;
  mode?: string;
  action?: string;
  rung?: string;
  count?: number | null;
  result?: number | null;
  because?: Because | null;
  socket?: SocketView | null;
  file?: { path?: string; flags?: string[] } | null;
  from?: string;
  to?: string;
  kinds?: string[];
  reason?: string;
}

export interface ProcessView {
  exec_id?: string;
  pid?: number;
  uid?: number;
  binary?: string;
  arguments?: string;
  cap?: { effective?: readonly string[] } | null;
  container?: { id?: string; name?: string | null } | null;
  pod?: { namespace?: string; name?: string } | null;
}

export interface SocketView {
  protocol?: string;
  family?: string;
  saddr?: string | null;
  sport?: number | null;
  daddr?: string | null;
  dport?: number | null;
}
