import { EVENT_KINDS } from "../../bus/generated/events.ts";
import type { EventKind } from "../../bus/generated/events.ts";

/** What an enforcement package can be about: a rule's finding, or an event itself. */
export const POLICY_KINDS = ["alert", ...EVENT_KINDS] as const;
export type PolicyKind = (typeof POLICY_KINDS)[number];

export function isEventKind(kind: string): kind is EventKind {
  return (EVENT_KINDS as readonly string[]).includes(kind);
}

/** Kinds of which there are few: a rule may be evaluated for each of their events. */
export const QUIET_KINDS: ReadonlySet<PolicyKind> = new Set<PolicyKind>(["alert", "denial", "gap"]);
