import type { Event, EventKind } from "../../bus/generated/events.ts";
import { didYouMean } from "../../bus/nearest.ts";
import { admit } from "../build/admission.ts";
import type { Admission } from "../build/admission.ts";
import { buildRuleSet, loadChecked } from "../build/build.ts";
import type { CheckOptions } from "../build/build.ts";
import { RuleErrors } from "../errors.ts";
import { atomText, formulaText } from "../../bus/formula/text.ts";
import { QUIET_KINDS } from "../model/kinds.ts";
import type { Policy, Rule } from "../model/rule.ts";
import { decodeRuleSet } from "../model/rule-set.ts";
import { measureRule } from "./measure.ts";
import type { Sampled } from "./measure.ts";
import { agentTier, kernelTier } from "./tiers.ts";
import type { Tier } from "./tiers.ts";

/** What the engine makes of a rule for one kind of event. */
export interface KindReport {
  kind: EventKind;
  /** Events among which it is found, as text; null where each has to be evaluated. */
  cover: string | null;
  /** The share of events that meet the cover, guessed from what is ordinary. */
  guess: number | null;
  formula: string;
  tiers: { kernel: Tier; agent: Tier; engine: Tier };
  /** Null where no bus was there, or it keeps no such event. */
  sampled: Sampled | null;
  /** Microseconds of one evaluation; null when the rules do not build. */
  us: number | null;
}

export interface RuleReport {
  id: string;
  language: "jsonata" | "rego";
  evaluator: string;
  file: string;
  line: number;
  /** Whether it says that it need not be indexed. */
  unindexed: boolean;
  /** Whether the build refuses it because it cannot be indexed and does not say so. */
  refused: boolean;
  kinds: KindReport[];
  /** Parts of the condition that nothing is known of before it is evaluated, and why. */
  notPushed: string[];
}

/**
 * How a rule or policy is found and evaluated. `events` gives retained events of a kind, where there are any.
 * @throws RuleErrors when the rules are not sound, or there is none of that name
 */
export async function explain(
  options: CheckOptions,
  id: string,
  events: (kind: EventKind) => Promise<Event[]>,
): Promise<RuleReport> {
  const { loaded, problems, residuals } = await loadChecked(options);
  if (problems.errors.length > 0) throw new RuleErrors(problems.errors, problems.warnings);
  const things: (Rule | Policy)[] = [...loaded.rules, ...loaded.policies];
  const thing = things.find((thing) => thing.id === id);
  if (thing === undefined) {
    const known = things.map((thing) => thing.id);
    const message = `there is no rule "${id}"${didYouMean(id, known)}`;
    throw new RuleErrors([{ file: null, line: null, rule: null, message, allowed: known.join(", ") }]);
  }
  const key = `${"severity" in thing ? "rule" : "policy"}:${id}`;
  const admissions = admit(loaded, residuals).filter((admission) => admission.key === key);
  const set = await buildRuleSet(options).then(
    ({ bytes }) => decodeRuleSet(bytes),
    () => null, // refused, this one or another: what is known of it is told all the same
  );
  const kinds: KindReport[] = [];
  for (const admission of admissions) {
    const measured = set === null ? null : await measureRule(set, key, admission.kind, await events(admission.kind));
    kinds.push({ ...reportOf(admission), sampled: measured?.sampled ?? null, us: measured?.us ?? null });
  }
  const jsonata = "language" in thing && thing.language === "jsonata";
  const open = admissions.some(({ cover, kind }) => cover === null && !QUIET_KINDS.has(kind));
  return {
    ...{ id, file: thing.file, line: thing.line, unindexed: thing.unindexed, refused: open && !thing.unindexed },
    language: jsonata ? "jsonata" : "rego",
    evaluator: jsonata ? "closures over the tree; jsonata for what they do not know" : "opa-wasm",
    kinds,
    notPushed: [...(admissions[0]?.notes ?? [])],
  };
}

function reportOf({ kind, formula, cover }: Admission): Omit<KindReport, "sampled" | "us"> {
  const texts = cover?.atoms.map(atomText);
  const open = "each event has to be looked at by the rule itself";
  return {
    kind,
    cover: texts === undefined ? null : [...new Set(texts)].join(" or ") || "nothing",
    guess: cover?.cost ?? null,
    formula: formulaText(formula),
    tiers: {
      kernel: cover === null ? { holds: false, text: open } : kernelTier(formula, kind),
      agent: cover === null ? { holds: false, text: open } : agentTier(formula, kind),
      engine: { holds: cover !== null, text: cover === null ? open : "index, then formula, then the evaluator" },
    },
  };
}
