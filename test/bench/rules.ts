import { Evaluator } from "../../rules/eval/evaluator.ts";
import { evaluateMessage } from "../../rules/eval/message.ts";
import type { RuleSet } from "../../rules/model/rule-set.ts";
import { figure, median } from "./lib/statistics.ts";
import { buildBenchSet } from "./lib/rule-sets.ts";
import { makeStream, NODE } from "./lib/rule-stream.ts";
import type { Stream } from "./lib/rule-stream.ts";
import { sigmaRules } from "./lib/sigma-rules.ts";

// What does an event cost the rules engine, from its NDJSON to the alerts' JSON, on one core? `npm run bench:rules [ROUNDS]`:
// 150, 500 and 1,000 rules of the shapes of Sigma's process rules, and the shipped ones; beside it, on the same events, every
// rule by jsonata, and by opa-wasm. CPU time of the whole process, so that collecting garbage counts.
const ROUNDS = Number(process.argv[2] ?? 7);
const EVENTS = 19_200;

interface Measured {
  us: number;
  alerts: number;
}

const rules = sigmaRules(1000);
const plain = makeStream(rules.slice(0, 150), EVENTS, 0.01, false);
const many = makeStream(rules.slice(0, 150), EVENTS, 0.2, false);
const mixed = makeStream(rules.slice(0, 150), EVENTS, 0.01, true);
const perEvent = Math.round(plain.bytes / plain.events);
console.log(
  `${EVENTS} process_exec events of ${perEvent} bytes in messages of 64, ${ROUNDS} rounds, CPU time on one core\n`,
);

const sets = new Map<string, RuleSet>();
for (const count of [150, 500, 1000]) sets.set(`${count}`, await buildBenchSet(rules.slice(0, count), "both"));
sets.set("500 and 3 unindexable", await buildBenchSet(rules.slice(0, 500), "both", true));

const cases: { name: string; set: string; stream: Stream }[] = [
  { name: "150 rules, 1 % match", set: "150", stream: plain },
  { name: "500 rules, 1 % match", set: "500", stream: plain },
  { name: "1000 rules, 1 % match", set: "1000", stream: plain },
  { name: "500 rules, 20 % match", set: "500", stream: many },
  { name: "500 rules, 1 % match, half the events are exits", set: "500", stream: mixed },
  { name: "500 rules and 3 that cannot be indexed", set: "500 and 3 unindexable", stream: plain },
  { name: "500 rules and those 3, 20 % match", set: "500 and 3 unindexable", stream: many },
];
const evaluators = new Map([...sets].map(([name, set]) => [name, evaluatorOf(set, true)]));
const measured = new Map<string, Measured[]>(cases.map(({ name }) => [name, []]));
for (const { set, stream } of cases) await run(evaluators.get(set)!, stream);
for (let round = 0; round < ROUNDS; round++) {
  for (let n = 0; n < cases.length; n++) {
    const { name, set, stream } = cases[(n + round) % cases.length]!;
    measured.get(name)!.push(await run(evaluators.get(set)!, stream));
  }
}

const parsing: number[] = [];
for (let round = 0; round < ROUNDS; round++) parsing.push(parseOnly(plain));

// A fraction of the events: each of them takes milliseconds.
const few = makeStream(rules.slice(0, 150), 256, 0.01, false);
const brute = new Map<string, Measured>();
for (const language of ["jsonata", "rego"] as const) {
  const evaluator = evaluatorOf(await buildBenchSet(rules.slice(0, 500), language), false);
  await run(evaluator, makeStream(rules.slice(0, 150), 64, 0.01, false));
  brute.set(language, await run(evaluator, few));
}
report();

function evaluatorOf(set: RuleSet, indexed: boolean): Evaluator {
  return new Evaluator(set, { config: { enforce: false }, memoryMb: 256, indexed });
}

async function run(evaluator: Evaluator, stream: Stream): Promise<Measured> {
  const start = process.cpuUsage();
  let alerts = 0;
  let bytes = 0;
  for (const { kind, data } of stream.messages) {
    const { findings } = await evaluateMessage(evaluator, data, { kind, node: NODE });
    alerts += findings.length;
    for (const { alert } of findings) bytes += JSON.stringify(alert).length;
  }
  const { user, system } = process.cpuUsage(start);
  if (alerts > 0 && bytes === 0) throw new Error("alerts without text");
  return { us: (user + system) / stream.events, alerts };
}

/** What it costs to parse each event, and nothing else: what an engine pays that looks at nothing before. */
function parseOnly(stream: Stream): number {
  const start = process.cpuUsage();
  for (const { data } of stream.messages) for (const line of data.toString("utf8").split("\n")) JSON.parse(line);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / stream.events;
}

function report(): void {
  const us = (name: string): number => median(measured.get(name)!.map((one) => one.us));
  console.log(`${"".padEnd(50)}us an event  events/s    alerts`);
  const line = (name: string, cost: number, alerts: number): void =>
    console.log(
      `${name.padEnd(50)}${cost.toFixed(2).padStart(11)}${Math.round(1e6 / cost)
        .toLocaleString("en")
        .padStart(10)}${String(alerts).padStart(10)}`,
    );
  for (const { name } of cases) line(name, us(name), measured.get(name)![0]!.alerts);
  console.log(`${"JSON.parse of each event, nothing else".padEnd(50)}${median(parsing).toFixed(2).padStart(11)}`);
  const [jsonata, opa] = [brute.get("jsonata")!, brute.get("rego")!];
  line("500 rules, all by jsonata (256 events)", jsonata.us, jsonata.alerts);
  line("500 rules, all by opa-wasm (256 events)", opa.us, opa.alerts);
  const main = us("500 rules, 1 % match");
  console.log(
    JSON.stringify({
      events_per_s_500: Math.round(1e6 / main),
      ratio_1000_to_150: figure(us("1000 rules, 1 % match") / us("150 rules, 1 % match")),
      speedup_vs_jsonata: figure(jsonata.us / main),
      speedup_vs_opa: figure(opa.us / main),
      events_per_s_500_matching_20: Math.round(1e6 / us("500 rules, 20 % match")),
      events_per_s_500_with_exits: Math.round(1e6 / us("500 rules, 1 % match, half the events are exits")),
      events_per_s_500_unindexable: Math.round(1e6 / us("500 rules and 3 that cannot be indexed")),
      us_parse_only: figure(median(parsing)),
      event_bytes: perEvent,
    }),
  );
}
