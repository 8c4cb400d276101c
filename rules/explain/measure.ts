import type { Event, EventKind } from "../../bus/generated/events.ts";
import { Evaluator } from "../eval/evaluator.ts";
import { JsonataProgram } from "../eval/jsonata-program.ts";
import { KindIndex } from "../index/kind-index.ts";
import type { RuleSet } from "../model/rule-set.ts";
import { fillEvent } from "../testing/fill-event.ts";

const TIMES = 200;

/** What became of retained events of a kind. */
export interface Sampled {
  events: number;
  /** Those by which the index finds the rule. */
  found: number;
  /** Those that are evaluated: they meet the formula as well. */
  evaluated: number;
  /** Those that the rule finds something in. */
  hits: number;
}

/** The rule alone over events; the time of an evaluation is measured on the first of them, or on an ordinary event. */
export async function measureRule(
  set: RuleSet,
  key: string,
  kind: EventKind,
  events: readonly Event[],
): Promise<{ sampled: Sampled | null; us: number }> {
  const id = key.slice(key.indexOf(":") + 1);
  const others = [...set.rules, ...set.policies].map((thing) => thing.id).filter((other) => other !== id);
  const evaluator = new Evaluator(set, {
    config: { enforce: false },
    memoryMb: 256,
    disabled: new Set(others),
    indexed: false,
  });
  const one = events[0] ?? (fillEvent({ kind }, 0) as Event);
  const input = Buffer.from(JSON.stringify(one));
  const rule = set.rules.find((rule) => `rule:${rule.id}` === key);
  const condition = rule?.language === "jsonata" ? new JsonataProgram(rule.when, set.lists) : null;
  const us = await timeOf(() => condition?.holds(one).catch(() => false) ?? evaluator.evaluate(one, input));
  if (events.length === 0) return { sampled: null, us };
  const { formula, cover } = set.index[key]![kind]!;
  const byCover = new KindIndex([{ unit: 0, formula: true, cover }], 1);
  const byFormula = new KindIndex([{ unit: 0, formula, cover }], 1);
  const sampled: Sampled = { events: events.length, found: 0, evaluated: 0, hits: 0 };
  for (const event of events) {
    if (byCover.find(event).length > 0) sampled.found++;
    if (byFormula.find(event).length > 0) sampled.evaluated++;
    const { findings, decisions } = await evaluator.evaluate(event, Buffer.from(JSON.stringify(event)));
    if (findings.length + decisions.length > 0) sampled.hits++;
  }
  return { sampled, us };
}

async function timeOf(evaluate: () => Promise<unknown>): Promise<number> {
  for (let n = 0; n < TIMES; n++) await evaluate();
  const start = performance.now();
  for (let n = 0; n < TIMES; n++) await evaluate();
  return ((performance.now() - start) * 1000) / TIMES;
}
