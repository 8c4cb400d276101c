import type { Alert } from "../../bus/types/alert.ts";
import { SEVERITIES } from "../../bus/types/alert.ts";
import type { Severity } from "../../bus/types/alert.ts";
import type { Decision } from "../../bus/types/decision.ts";
import type { Event } from "../../bus/generated/events.ts";
import { alertId } from "../../bus/ids.ts";
import { EngineError } from "../errors.ts";
import type { Rule } from "../model/rule.ts";

/** A decision of a policy, ready to be published; `messageId` is the same when the same is decided again. */
export interface DecisionFound {
  policy: string;
  decision: Decision;
  messageId: string;
}

/** A rule's finding. `dedupe` says within what time findings of the same key are one; null where each counts. */
export interface Finding {
  alert: Alert;
  dedupe: { key: string; within: number } | null;
}

const MESSAGE_LIMIT = 2000;

/** The alert of one rule on one event. */
export function makeAlert(
  rule: Rule,
  event: Event,
  ruleset: string,
  found: { message: string; severity?: Severity; tags?: string[] },
): Alert {
  const process = "process" in event ? event.process : null;
  return {
    id: alertId(rule.id, event.id),
    rule: rule.id,
    severity: found.severity ?? rule.severity,
    title: rule.title,
    message: found.message.slice(0, MESSAGE_LIMIT).toWellFormed(),
    tags: found.tags ?? rule.tags,
    node: event.node,
    container: (process?.container ?? null) as Alert["container"],
    pod: (process?.pod ?? null) as Alert["pod"],
    first_time: event.time,
    last_time: event.time,
    count: 1,
    ruleset,
    event,
  };
}

/**
 * What a Rego rule says in its `alert` set, as one alert: an event is one finding of a rule. Messages are put together, the
 * highest severity counts, tags are added to the rule's.
 * @throws EngineError `evaluate` when an element is not `{"message": ..., "severity"?: ..., "tags"?: [...]}`
 */
export function mergeFound(
  rule: Rule,
  elements: readonly unknown[],
): { message: string; severity: Severity; tags: string[] } {
  const messages = new Set<string>();
  const tags = new Set(rule.tags);
  let severity = -1;
  for (const element of elements) {
    if (typeof element !== "object" || element === null || Array.isArray(element))
      throw badAlert("an element of alert is", element, "an object");
    const { message, severity: own, tags: more, ...rest } = element as Record<string, unknown>;
    if (Object.keys(rest).length > 0)
      throw badAlert("alert has the key", Object.keys(rest)[0], "message, severity, tags");
    if (message !== undefined && typeof message !== "string") throw badAlert("message is", message, "a text");
    if (own !== undefined && !(SEVERITIES as readonly unknown[]).includes(own))
      throw badAlert("severity is", own, SEVERITIES.join(", "));
    if (more !== undefined && !Array.isArray(more)) throw badAlert("tags is", more, "an array of texts");
    messages.add(message ?? rule.title);
    for (const tag of (more as unknown[] | undefined) ?? []) tags.add(String(tag));
    severity = Math.max(severity, SEVERITIES.indexOf((own as Severity | undefined) ?? rule.severity));
  }
  return { message: [...messages].join("; "), severity: SEVERITIES[severity]!, tags: [...tags] };
}

function badAlert(what: string, value: unknown, allowed: string): EngineError {
  return new EngineError("evaluate", `${what} ${JSON.stringify(value)} (allowed: ${allowed})`);
}
