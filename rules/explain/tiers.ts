import { agentKnows } from "../../bus/demand/agent-paths.ts";
import { kernelFilter } from "../../bus/demand/kernel-filter.ts";
import { ALWAYS_SEEN, isAskedFor } from "../../bus/demand/selectors.ts";
import { weaken } from "../../bus/demand/wants.ts";
import { atomsOf } from "../../bus/formula/formula.ts";
import type { Formula } from "../../bus/formula/formula.ts";
import { formulaText } from "../../bus/formula/text.ts";

/** Whether a tier can tell events that a rule needs from others: by what, or why not. */
export interface Tier {
  holds: boolean;
  text: string;
}

/** What the kernel's selectors hold of a formula: whatever they cannot say is left out, which only lets more through. */
export function kernelTier(formula: Formula, kind: string): Tier {
  if (ALWAYS_SEEN.has(kind))
    return { holds: false, text: `${kind} reaches every agent, whose process table is made of it` };
  if (!isAskedFor(kind)) return { holds: false, text: `selectors know no hook ${kind}` };
  const { any, lacks } = kernelFilter(formula, kind);
  if (any.some(({ match }) => match.length === 0))
    return { holds: false, text: lacks.join("; ") || "nothing in it that a selector could say" };
  const shown = any.map(({ match }) =>
    match
      .map(({ field, op, values }) => `${field} ${op} ${values.map((it) => JSON.stringify(it)).join(", ")}`)
      .join(" and "),
  );
  const less = lacks.length === 0 ? "" : ` (without: ${lacks.join("; ")})`;
  return { holds: true, text: `${shown.join(" or ") || "nothing"}${less}` };
}

/** What an agent holds of it before it writes an event. */
export function agentTier(formula: Formula, kind: string): Tier {
  const unknown = new Set(
    atomsOf(formula)
      .filter(({ path }) => !agentKnows(kind, path))
      .map(({ path }) => path.join(".")),
  );
  const left = weaken(formula, ({ path }) => agentKnows(kind, path));
  const lacks = [...unknown].join(", ");
  if (left === true)
    return { holds: false, text: lacks === "" ? "nothing to tell events by" : `known too late: ${lacks}` };
  return { holds: true, text: unknown.size === 0 ? "the whole formula" : `${formulaText(left)} (without: ${lacks})` };
}
