import type { Event, EventKind } from "../../bus/generated/events.ts";
import type { OperatorBus } from "../../bus/clients/operator.ts";
import { explain } from "../../rules/cli-api.ts";
import type { KindReport, RuleReport } from "../../rules/cli-api.ts";
import { EXIT } from "../exit.ts";
import { loadForOperator } from "../find-bus.ts";
import { connectOperator } from "../operator.ts";
import { document } from "../output/format.ts";
import { printLine } from "../output/print.ts";
import { safe } from "../output/safe.ts";
import { table } from "../output/table.ts";
import { type LiveTiers, liveRows, readLive } from "./explain-live.ts";
import type { RulesFlags } from "../verbs/rules.ts";

/** As many retained events of a kind as are looked at. */
const EVENTS_MAX = 2000;
const SINCE_MS = 3_600_000;

/** `reeve rules explain RULE`. The exit code says whether the build takes the rule. */
export async function explainRule(
  id: string,
  options: Parameters<typeof explain>[0],
  flags: RulesFlags,
): Promise<number> {
  const bus = await connectOperator(loadForOperator({ ...flags }).config, 500).catch(() => null);
  try {
    const report = await explain(options, id, (kind) => (bus === null ? Promise.resolve([]) : eventsOf(bus, kind)));
    const live = bus === null ? null : await readLive(bus, id);
    const text =
      flags.output === "json" ? document({ ...report, live }, "json") : reportText(report, bus !== null, live);
    await printLine(text);
    return report.refused ? EXIT.failed : EXIT.ok;
  } finally {
    await bus?.bus.close();
  }
}

async function eventsOf(bus: OperatorBus, kind: EventKind): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of bus.readEvents({ kinds: [kind], since: new Date(Date.now() - SINCE_MS) })) {
    events.push(event);
    if (events.length >= EVENTS_MAX) break;
  }
  return events;
}

function reportText(report: RuleReport, asked: boolean, live: LiveTiers | null): string {
  const { id, language, evaluator, file, line, unindexed, refused, kinds, notPushed } = report;
  const head = `${safe(id)} (${language}, ${safe(file)}:${line})`;
  const state = refused
    ? "refused: each event would have to be evaluated, and it does not say unindexed: true"
    : unindexed
      ? "says unindexed: true"
      : null;
  const rows: [string, string][] = [["evaluator", evaluator]];
  if (state !== null) rows.push(["index", state]);
  rows.push(["not pushed", notPushed.length === 0 ? "nothing" : safe(notPushed.join("; "))]);
  const parts = kinds.map(
    (kind) => `${kind.kind}\n${table([...kindRows(kind, asked), ...liveTable(live, kind.kind)], "  ")}`,
  );
  if (kinds.length === 0) parts.push("over alerts only: of those there are few, each is evaluated");
  return [head, table(rows, "  "), ...parts].join("\n");
}

function liveTable(live: LiveTiers | null, kind: EventKind): [string, string][] {
  return live === null ? [] : liveRows(live, kind).map(([name, text]) => [name, safe(text)]);
}

function kindRows({ cover, guess, formula, tiers, sampled, us }: KindReport, asked: boolean): [string, string][] {
  const tier = ({ holds, text }: { holds: boolean; text: string }): string => `${holds ? "yes" : "no"}: ${safe(text)}`;
  const share = (count: number, of: number): string => `${((100 * count) / of).toFixed(2)} %`;
  const rows: [string, string][] = [
    ["found by", cover === null ? "nothing: each event is evaluated" : safe(cover)],
    ["must hold", safe(formula)],
    ["kernel", tier(tiers.kernel)],
    ["agent", tier(tiers.agent)],
    ["engine", tier(tiers.engine)],
    ["guessed", guess === null ? "all events" : `${(guess * 100).toFixed(2)} % of events are found by it`],
  ];
  if (sampled === null) rows.push(["retained events", asked ? "none of this kind" : "not asked: no bus is there"]);
  else {
    const { events, found, evaluated, hits } = sampled;
    rows.push([
      "retained events",
      `${events}: ${share(found, events)} found by it, ${share(evaluated, events)} evaluated, ${hits} findings`,
    ]);
  }
  rows.push(["one evaluation", us === null ? "not measured: the rules do not build" : `${us.toFixed(1)} us`]);
  return rows;
}
