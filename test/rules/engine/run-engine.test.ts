import { afterAll, beforeAll, expect, test } from "vitest";
import { AgentBus } from "../../../bus/clients/agent.ts";
import { ControllerBus } from "../../../bus/clients/controller.ts";
import { OperatorBus } from "../../../bus/clients/operator.ts";
import { eventSubject } from "../../../bus/subjects.ts";
import type { Alert } from "../../../bus/types/alert.ts";
import type { Decision } from "../../../bus/types/decision.ts";
import type { EngineStatus } from "../../../bus/types/engine-status.ts";
import { buildRuleSet } from "../../../rules/build/build.ts";
import { runEngine } from "../../../rules/main.ts";
import { collect, startBus, until } from "../../bus/harness.ts";
import type { TestBus } from "../../bus/harness.ts";
import { exec, lines, rulesDir, yamlRule } from "../helpers.ts";

// The engine as it runs: a real nats-server, events as an agent publishes them, alerts as anybody reads them.

let bus: TestBus;
let agent: AgentBus;
let controller: ControllerBus;
let operator: OperatorBus;
let running: Promise<void>;
const stop = new AbortController();
const alerts: Alert[] = [];
const decisions: { policy: string; decision: Decision }[] = [];
let seq = 0;

beforeAll(async () => {
  bus = await startBus({ "engine.watchdog_ms": 100, "log.level": "silent" });
  agent = new AgentBus(await bus.connect("agent"));
  controller = new ControllerBus(await bus.connect("controller"));
  operator = new OperatorBus(await bus.connect("operator"));
  const reader = await bus.connect("reader");
  reader.subscribe("reeve.alerts.>", (message) => void alerts.push(JSON.parse(message.string()) as Alert));
  await reader.flush();
  void (async () => {
    for await (const message of controller.consumeDecisions()) {
      const decision = JSON.parse(Buffer.from(message.data).toString()) as Decision;
      decisions.push({ policy: message.policy, decision });
      message.ack();
    }
  })();
  await useRules({});
  running = runEngine(bus.config, stop.signal);
});

afterAll(async () => {
  stop.abort();
  await running;
  await bus.stop();
});

async function useRules(files: Record<string, string>): Promise<string> {
  using rules = rulesDir(files);
  const { bytes, info } = await buildRuleSet({ dirs: [rules.dir], shipped: true });
  await controller.ruleSets.put(bytes, info);
  await controller.ruleSets.activate(info.digest);
  return info.digest;
}

async function publish(process: object, id = `m${++seq}`): Promise<void> {
  const subject = eventSubject("process_exec", "web-1");
  await agent.events.publish(subject, lines(exec({ process }, seq)), id);
}

async function status(): Promise<EngineStatus> {
  const entries = await operator.readStatus();
  return entries.find((entry) => entry.key.startsWith("engine."))!.value as EngineStatus;
}

const shell = {
  binary: "/usr/bin/bash",
  arguments: "-i",
  stdio: [
    {
      fd: 0,
      type: "socket",
      inode: 7,
      family: "ipv4",
      protocol: "tcp",
      saddr: "127.0.0.1",
      sport: 40112,
      daddr: "127.0.0.1",
      dport: 9001,
    },
  ],
};

test("an event becomes an alert that anybody can read", async () => {
  await publish({ binary: "/tmp/x" });
  await until(() => alerts.length === 1);
  expect(alerts[0]).toMatchObject({ rule: "exec-from-tmp", severity: "high", node: "web-1", count: 1 });
});

test("a critical alert becomes decisions that say why, in monitor mode", async () => {
  await publish({ ...shell, exec_id: "tree" });
  await until(() => decisions.length === 2 && alerts.length === 2);
  const [first] = decisions;
  expect(decisions.map(({ decision }) => decision.hook).sort()).toEqual(["network_connect", "process_exec"]);
  expect(first!.policy).toBe("enforcement/contain");
  expect(first!.decision).toMatchObject({
    action: "deny",
    mode: "monitor",
    ttl: "10m",
    scope: { tree: "tree" },
    because: {
      policy: "enforcement/contain",
      alert: alerts[1]!.id,
      event: alerts[1]!.event.id,
      ruleset: alerts[1]!.ruleset,
    },
  });
});

test("what is told already is told once, and still decided upon", async () => {
  await publish({ binary: "/tmp/x" });
  await publish({ ...shell, exec_id: "another-tree" });
  await until(() => decisions.length === 4);
  expect(alerts.filter((alert) => alert.rule === "exec-from-tmp")).toHaveLength(1);
});

test("a new rule set is taken while it runs", async () => {
  const digest = await useRules({ "r.yaml": yamlRule("new-rule", 'process.binary = "/usr/bin/new"') });
  await until(async () => (await status())?.ruleset === digest);
  await publish({ binary: "/usr/bin/new" });
  await until(() => alerts.some((alert) => alert.rule === "new-rule" && alert.ruleset === digest));
});

test("a set that cannot be loaded leaves the last one in force, and the status says why", async () => {
  const { contentDigest } = await import("../../../bus/ids.ts");
  const bytes = Buffer.from('{"format": "other"}');
  const digest = contentDigest(bytes);
  await controller.ruleSets.put(bytes, {
    digest,
    built_at: new Date().toISOString(),
    rules: 0,
    policies: 0,
    sources: [],
  });
  await controller.ruleSets.activate(digest);
  await until(async () => (await status()).refused_ruleset?.digest === digest);
  await publish({ binary: "/usr/bin/new" });
  await until(() => alerts.filter((alert) => alert.rule === "new-rule").length === 2);
});

test("malformed events and events of another node are refused and counted", async () => {
  const subject = eventSubject("process_exec", "web-1");
  const liar = { ...exec({}, 900), node: "db-2" };
  await agent.events.publish(
    subject,
    lines("no json", liar, exec({ process: { binary: "/tmp/y", uid: "root" } }, 901)),
    "bad",
  );
  await until(async () => ((await status()).counters["refused"] ?? 0) === 3);
  expect((await status()).counters).toMatchObject({ refused_not_json: 1, refused_node_mismatch: 1, refused_schema: 1 });
});

test("a rule that loops for ever is stopped, named and disabled; the others go on", async () => {
  const loop = '($f := function($n) { $f($n + 1) }; process.binary = "/usr/bin/loop" ? $f(1) : false)';
  await useRules({ "loop.yaml": yamlRule("loops", `'${loop}'`) });
  await until(async () => (await status()).rules.some((rule) => rule.id === "loops"));
  await publish({ binary: "/usr/bin/loop" });
  await publish({ binary: "/dev/shm/after" });
  await until(() => alerts.some((alert) => alert.message.startsWith("/dev/shm/after")));
  await until(() => alerts.some((alert) => alert.rule === "reeve-engine" && alert.message.includes("rule loops")));
  await until(async () => (await status()).disabled.some((rule) => rule.id === "loops"));
});

test("the bus restarted: nothing is lost, nothing told twice", async () => {
  const rule = yamlRule("marks", '$startsWith(process.binary, "/mark/")');
  const digest = await useRules({ "marks.yaml": rule });
  await until(async () => (await status()).ruleset === digest);
  const published: Promise<void>[] = [];
  for (let n = 0; n < 200; n++) {
    published.push(publish({ binary: `/mark/${n}` }));
    if (n === 100) void bus.restart("kill", 200);
  }
  await Promise.all(published);
  const found = (): Set<string> => new Set(alerts.filter((alert) => alert.rule === "marks").map((alert) => alert.id));
  const told = async (): Promise<string[]> => {
    const stored = await collect(operator.readAlerts()).catch(() => []); // the bus is away for a while
    return stored.filter((alert) => alert.rule === "marks").map((alert) => alert.id);
  };
  await until(async () => (await told()).length >= 200, 40_000);
  const ids = await told();
  expect(new Set(ids).size).toBe(200);
  expect(ids).toHaveLength(200);
  // A plain subscriber misses what is told while it is away, and is told nothing twice.
  expect(alerts.filter((alert) => alert.rule === "marks")).toHaveLength(found().size);
});
