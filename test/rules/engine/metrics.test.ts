import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AgentBus } from "../../../bus/clients/agent.ts";
import { ControllerBus } from "../../../bus/clients/controller.ts";
import { eventSubject } from "../../../bus/subjects.ts";
import { runEngine } from "../../../rules/main.ts";
import { buildRuleSet } from "../../../rules/build/build.ts";
import { startBus, until } from "../../bus/harness.ts";
import type { TestBus } from "../../bus/harness.ts";
import { exec, lines, rulesDir, yamlRule } from "../helpers.ts";

// What Prometheus is told of an engine at work, over HTTP.

let bus: TestBus;
let port: number;
let running: Promise<void>;
const stop = new AbortController();

beforeAll(async () => {
  port = await freePort();
  bus = await startBus({ "engine.metrics_port": port, "engine.workers": 2, "log.level": "silent" });
  using rules = rulesDir({
    "hits.yaml": yamlRule("hits", 'process.binary = "/hit"'),
    "fails.yaml": yamlRule("fails", "'process.binary > process.uid'"),
  });
  const { bytes, info } = await buildRuleSet({ dirs: [rules.dir], shipped: false });
  await new ControllerBus(await bus.connect("controller")).putRuleSet(bytes, info);
  running = runEngine(bus.config, stop.signal);
});
afterAll(async () => {
  stop.abort();
  await running;
  await bus.stop();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function metrics(): Promise<Map<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/plain")]);
  const rows = (await response.text()).split("\n").filter((row) => row !== "" && !row.startsWith("#"));
  return new Map(rows.map((row) => [row.slice(0, row.lastIndexOf(" ")), Number(row.slice(row.lastIndexOf(" ")))]));
}

test("counts of the engine and of each rule, what it holds, and the set in force", async () => {
  const agent = new AgentBus(await bus.connect("agent"));
  const subject = eventSubject("process_exec", "web-1");
  const events = [exec({ process: { binary: "/hit" } }, 1), exec({}, 2), exec({}, 3)];
  await agent.events.publish(subject, lines(...events, "no json"), "1");
  // it is not there before the engine runs
  const so = () => metrics().catch(() => new Map<string, number>());
  await until(async () => (await so()).get('reeve_engine_total{what="alerts"}') === 1, 30_000);
  const now = await metrics();
  const values = (names: string[]) => Object.fromEntries(names.map((name) => [name, now.get(name)]));
  const expected = {
    'reeve_engine_total{what="messages"}': 1,
    'reeve_engine_total{what="events"}': 3,
    'reeve_engine_total{what="refused_not_json"}': 1,
    'reeve_rule_evaluations_total{rule="hits",kind="rule"}': 1,
    'reeve_rule_hits_total{rule="hits",kind="rule"}': 1,
    'reeve_rule_active{rule="hits",kind="rule"}': 1,
    'reeve_rule_errors_total{rule="fails",kind="rule"}': 3,
    'reeve_engine_now{what="partitions"}': 32,
    'reeve_engine_now{what="threads"}': 2,
  };
  expect(values(Object.keys(expected))).toEqual(expected);
  expect([...now.keys()].some((name) => /^reeve_engine_ruleset\{digest="sha256:[0-9a-f]{64}"\}$/.test(name))).toBe(
    true,
  );
  expect(now.get("reeve_engine_process_cpu_seconds_total")).toBeGreaterThan(0);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
});

test("a port that is taken is an error that says so", async () => {
  await expect(runEngine(bus.config, new AbortController().signal)).rejects.toMatchObject({
    code: "metrics",
    message: expect.stringContaining(`port ${port} on 127.0.0.1 is taken`),
  });
});
