import type { Alert } from "../../bus/types/alert.ts";
import type { GapEvent } from "../../bus/generated/events.ts";
import { shortHash } from "../../bus/ids.ts";

/** Rule id of alerts that the engine raises about itself. */
export const ENGINE_RULE = "reeve-engine";

/** The alert about a rule that was disabled: from then on nobody looks for what it found. */
export function ruleDisabledAlert(engine: string, id: string, reason: string, node: string, ruleset: string): Alert {
  const time = new Date().toISOString();
  // There is no kernel event to show; the engine's own gap says the same thing: from here on something is not seen.
  const event: GapEvent = {
    id: `${engine}/0/0/gap/0`,
    kind: "gap",
    node,
    time,
    from: time,
    to: time,
    kinds: [],
    count: null,
    reason: `rule_disabled:${id}`,
  };
  return {
    id: shortHash(["disabled", engine, id, ruleset]),
    rule: ENGINE_RULE,
    severity: "high",
    title: "A rule was disabled",
    message: `rule ${id} ${reason}: it is disabled until the rule set changes, the others go on`,
    tags: ["reeve"],
    node,
    container: null,
    pod: null,
    first_time: time,
    last_time: time,
    count: 1,
    ruleset,
    event,
  };
}
