import type { Event } from "../generated/events.ts";

/** Severities in rising order. */
export const SEVERITIES = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A rule's finding, as published on `reeve.alerts.<severity>.<rule>`. `id` = hash(rule, event id). Times are RFC 3339. */
export interface Alert {
  id: string;
  rule: string;
  severity: Severity;
  title: string;
  message: string;
  tags: string[];
  node: string;
  container: Record<string, unknown> | null;
  pod: Record<string, unknown> | null;
  first_time: string;
  last_time: string;
  count: number;
  /** True for the summary that closes a deduplication window. */
  summary?: boolean;
  ruleset: string;
  event: Event;
}
