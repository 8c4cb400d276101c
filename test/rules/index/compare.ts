import type { Event } from "../../../bus/generated/events.ts";
import { Evaluator } from "../../../rules/eval/evaluator.ts";
import { checkEvent } from "../../../rules/eval/event-check.ts";
import type { Finding } from "../../../rules/eval/finding.ts";
import { evaluateMessage } from "../../../rules/eval/message.ts";
import type { RuleSet } from "../../../rules/model/rule-set.ts";
import { build } from "../helpers.ts";
import { randomOf } from "../lib/random.ts";
import { mutatedEvents } from "./events.ts";
import { differentialFiles } from "./rules.ts";

const ORIGIN = { kind: "process_exec", node: "web-1" };

export interface Compared {
  events: number;
  /** Rules times events. */
  evaluations: number;
  findings: number;
  /** Events that were also taken from their text, as an engine does. */
  fromText: number;
  differences: string[];
}

export async function differentialSet(sigma: number): Promise<RuleSet> {
  return (await build(differentialFiles(sigma), true)).set;
}

/** Evaluates mutated events with the index and by every rule, until `enough` says so. `indexed` may be a set with faults in its index. */
export async function compare(
  set: RuleSet,
  seed: number,
  enough: (so: Compared) => boolean,
  indexed: RuleSet = set,
): Promise<Compared> {
  const options = { config: { enforce: false }, memoryMb: 256 };
  const quick = new Evaluator(indexed, options);
  // With one rule that each event concerns, each would be parsed before it is looked at.
  const always = set.rules
    .filter(({ id }) => set.index[`rule:${id}`]?.["process_exec"]?.cover === null)
    .map(({ id }) => id);
  const fromText = new Evaluator(indexed, { ...options, disabled: new Set(always) });
  const every = new Evaluator(set, { ...options, indexed: false });
  const next = mutatedEvents(set, randomOf(seed));
  const so: Compared = { events: 0, evaluations: 0, findings: 0, fromText: 0, differences: [] };
  while (!enough(so)) {
    const json = JSON.stringify(next());
    const event = JSON.parse(json) as Event;
    const input = Buffer.from(
      JSON.stringify(event, (_, value: unknown) =>
        typeof value === "string" ? value.toWellFormed().replaceAll("\0", "\ufffd") : value,
      ),
    );
    const found = (await every.evaluate(event, input)).findings;
    const expected = told(found);
    so.events++;
    so.evaluations += set.rules.length;
    so.findings += expected.length;
    const tell = (what: string, got: string[], expected: string[]): void => {
      if (JSON.stringify(got) === JSON.stringify(expected)) return;
      so.differences.push(`${what}: ${got.join(" ")} instead of ${expected.join(" ")} of ${json}`);
    };
    tell("index", told((await quick.evaluate(event, input)).findings), expected);
    if (checkEvent(event, ORIGIN) !== null) continue;
    so.fromText++;
    const indexable = told(found.filter(({ alert }) => !always.includes(alert.rule)));
    tell("text", told((await evaluateMessage(fromText, Buffer.from(json), ORIGIN)).findings), indexable);
  }
  return so;
}

function told(findings: Finding[]): string[] {
  return findings.map(({ alert }) => `${alert.rule}:${alert.severity}:${alert.message}`).sort();
}
