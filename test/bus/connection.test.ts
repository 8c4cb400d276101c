import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { AgentBus } from "../../bus/clients/agent.ts";
import { ControllerBus } from "../../bus/clients/controller.ts";
import { EngineBus } from "../../bus/clients/engine.ts";
import { OperatorBus } from "../../bus/clients/operator.ts";
import { loadConfig } from "../../bus/config/load.ts";
import { connect } from "../../bus/connection.ts";
import { contentDigest } from "../../bus/ids.ts";
import { partitionOf } from "../../bus/partition.ts";
import { provision } from "../../bus/provision.ts";
import { ensureSecret, findServer, prepareServer } from "../../bus/server/prepare.ts";
import { choosePort, portIsFree } from "../../bus/server/ports.ts";
import { startServer } from "../../bus/server/start.ts";
import { CONSUMERS, desiredKey, eventSubject } from "../../bus/subjects.ts";
import type { DesiredEntry } from "../../bus/types/desired.ts";
import { collect, startBus, until, type TestBus } from "./harness.ts";

let bus: TestBus;

afterEach(async () => {
  await bus.stop();
});

const entry: DesiredEntry = { selectors: [], hooks: [], ttl: "none", renewedAt: "2026-11-22T10:00:00Z" };

describe("a connection", () => {
  test("says what is missing when there is no bus", async () => {
    bus = await startBus();
    const config = loadConfig({ run_dir: "/nonexistent/reeve" }, {});
    await expect(connect("operator", config, { wait: 50 })).rejects.toMatchObject({
      code: "credentials",
      message: expect.stringMatching(/\/nonexistent\/reeve\/bus\.json is not there/),
    });
    await bus.server.stop();
    await expect(connect("operator", bus.config, { wait: 300 })).rejects.toMatchObject({ code: "not_connected" });
  });

  test("follows the bus to another port, and the watch goes on with what changed meanwhile", async () => {
    bus = await startBus();
    const controller = new ControllerBus(await bus.connect("controller"));
    const agent = new AgentBus(await bus.connect("agent"));
    const told: string[] = [];
    void (async () => {
      for await (const it of agent.watchDesired())
        told.push(it.type === "synced" ? it.type : `${it.key} ${it.entry !== null}`);
    })();
    await controller.desired.put(desiredKey("stays"), entry);
    await controller.desired.put(desiredKey("goes", "web-1"), entry);
    await until(() => told.length >= 3);
    // While the agent is away from the bus: one entry goes, one comes.
    const away = new Promise<void>((resolve) => {
      agent.bus.onStatus((status) => status.type === "disconnected" && resolve());
    });
    await bus.server.stop();
    await away;
    const blocker = createServer().listen(bus.server.port, "127.0.0.1");
    bus.server = await startServer({ config: bus.config });
    expect(bus.server.url).toBe(JSON.parse(readFileSync(join(bus.config.run_dir, "bus.json"), "utf8")).url);
    told.length = 0;
    await controller.bus.ready(10_000);
    await controller.desired.delete(desiredKey("goes", "web-1"));
    await controller.desired.put(desiredKey("comes"), entry);
    await until(() => told.includes("all.comes true") && told.includes("node.web-1.goes false"), 15_000);
    expect(told).not.toContain("all.stays true");
    blocker.close();
  });

  test("a watch and a follower last over a restart of the bus", async () => {
    bus = await startBus();
    const controller = new ControllerBus(await bus.connect("controller"));
    const engine = new EngineBus(await bus.connect("engine"));
    const operator = new OperatorBus(await bus.connect("operator"));
    const sets: string[] = [];
    const statuses: string[] = [];
    void (async () => {
      for await (const it of engine.watchRuleSets()) sets.push(it.digest);
    })();
    const stop = new AbortController();
    const alerts = collect(operator.readAlerts({ follow: true, signal: stop.signal, since: new Date(0) }));
    void (async () => {
      for await (const it of controller.watchStatus())
        if (it.type === "change") statuses.push(`${it.key}@${it.revision}`);
    })();
    await engine.putStatus("e", {});
    await bus.restart("kill");
    const bytes = Buffer.from("rules");
    const digest = contentDigest(bytes);
    await Promise.all([controller.bus.ready(), engine.bus.ready(), operator.bus.ready()]);
    const info = { digest, built_at: "2026-11-22T10:00:00Z", rules: 1, policies: 0, sources: [] };
    await until(async () =>
      controller.putRuleSet(bytes, info).then(
        () => true,
        () => false,
      ),
    );
    await engine.publishFinding({ id: "a", rule: "r", severity: "low" } as never);
    await engine.putStatus("e", {});
    await until(() => sets.length === 1 && statuses.length === 2);
    expect(statuses).toEqual(["engine.e@1", "engine.e@2"]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    stop.abort();
    expect((await alerts).map((it) => it.id)).toEqual(["a"]);
  });
});

describe("the server", () => {
  test("takes another port when the wanted one is taken, and the same again after a restart", async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const { port } = blocker.address() as { port: number };
    bus = await startBus({ "bus.port": port });
    expect(bus.server.moved).toBe(true);
    expect(bus.server.port).not.toBe(port);
    const before = bus.server;
    const secret = ensureSecret(bus.config);
    const seed = readFileSync(join(bus.config.bus.credentials_dir, "agent.json"), "utf8");
    await bus.restart("kill");
    expect(bus.server.port).toBe(before.port);
    expect(ensureSecret(bus.config)).toBe(secret);
    expect(readFileSync(join(bus.config.bus.credentials_dir, "agent.json"), "utf8")).toBe(seed);
    blocker.close();
    await bus.server.stop();
    expect(await bus.server.exited).toMatchObject({ code: 0 });
    expect(await portIsFree(before.port)).toBe(true);
  });

  test("keeps secrets to who needs them, and runs without root's rights", async () => {
    bus = await startBus({ "controller.deciders": { ci: {} } });
    const root = process.getuid?.() === 0;
    const service = root ? 64_999 : process.getuid?.();
    const owners = {
      agent: process.getuid?.(),
      operator: process.getuid?.(),
      provisioner: process.getuid?.(),
      "decider-ci": process.getuid?.(),
      engine: service,
      controller: service,
    };
    for (const [name, uid] of Object.entries(owners)) {
      const stat = statSync(join(bus.config.bus.credentials_dir, `${name}.json`));
      expect([name, stat.mode & 0o777, stat.uid]).toEqual([name, 0o600, uid]);
    }
    const conf = readFileSync(bus.server.configFile, "utf8");
    expect(conf).not.toMatch(/"SU[A-Z2-7]{56}"/);
    expect(statSync(bus.server.configFile).mode & 0o777).toBe(0o600);
    const status = readFileSync(`/proc/${bus.server.pid}/status`, "utf8");
    if (root) {
      expect(status).toMatch(/^Uid:\s+64999\s+64999\s+64999/m);
      expect(status).toMatch(/^CapEff:\s+0+$/m);
      expect(status).toMatch(/^Groups:\s*(64999)?\s*$/m);
    }
  });

  test.each([
    ["0.0.0.0", "127.0.0.1"],
    ["127.0.0.2", "127.0.0.2"],
  ])("listens on %s, and is reached at %s", async (host, reached) => {
    bus = await startBus({ "bus.host": host });
    expect(new URL(bus.server.url).hostname).toBe(reached);
    expect((await bus.connect("operator")).connected).toBe(true);
  });

  test("says why it did not start", async () => {
    bus = await startBus();
    const prepared = await prepareServer({ config: bus.config });
    expect(prepared.command.at(-1)).toBe(bus.server.configFile);
    // There is a file in the way of its store.
    const config = loadConfig(
      { run_dir: join(bus.config.run_dir, "other"), data_dir: "/proc/nothing", "bus.port": 0 },
      {},
    );
    await expect(startServer({ config, dataDir: "/dev/null/x" })).rejects.toThrow(
      /nats-server cannot be prepared: .*\/dev\/null\/x/,
    );
  });
});

test("a server that is not ours and asks nobody who they are serves as well", async () => {
  bus = await startBus();
  const port = await choosePort([]);
  const store = join(bus.config.data_dir, "plain");
  const plain = spawn(findServer(), ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", store], { stdio: "ignore" });
  try {
    const config = loadConfig(
      { ...flagsOf(bus), "bus.url": `nats://127.0.0.1:${port}`, "bus.credentials_dir": "/nonexistent" },
      {},
    );
    await provision(await connect("provisioner", config), config);
    const seen: string[] = [];
    const reader = await connect("reader", config);
    reader.subscribe("reeve.alerts.>", (msg) => seen.push(msg.subject));
    await reader.flush();
    const engine = new EngineBus(await connect("engine", config));
    for (let i = 0; i < 2; i++) await engine.publishFinding({ id: "a", rule: "r", severity: "low" } as never);
    const agent = new AgentBus(await connect("agent", config));
    await new ControllerBus(await connect("controller", config)).desired.put("all.a", entry);
    expect((await agent.watchDesired()[Symbol.asyncIterator]().next()).value).toMatchObject({ key: "all.a" });
    await until(() => seen.length > 0);
    expect(seen).toEqual(["reeve.alerts.low.r"]);
    await Promise.all([reader.close(), engine.close(), agent.close()]);
  } finally {
    plain.kill();
    await new Promise((resolve) => plain.once("exit", resolve));
  }
});

const flagsOf = (it: TestBus): Record<string, unknown> => ({
  node: "web-1",
  run_dir: it.config.run_dir,
  data_dir: it.config.data_dir,
});

describe("provisioning", () => {
  test("again changes nothing; new bounds, nodes and secrets are applied, and what is kept stays", async () => {
    bus = await startBus();
    const provisioner = await bus.connect("provisioner");
    const secret = ensureSecret(bus.config);
    expect(await provision(provisioner, bus.config, secret)).toEqual({ created: [], updated: [] });
    const agent = new AgentBus(await bus.connect("agent"));
    await agent.events.publish(eventSubject("process_exec", "web-1"), Buffer.from("x"), "1");
    const config = structuredClone(bus.config);
    config.bus.events_max_bytes = 5_000_000;
    config.bus.nodes = ["web-1", "web-2"];
    const report = await provision(provisioner, config, "another");
    expect(report.created).toEqual(["KV_reeve_desired/agent_web-2_all", "KV_reeve_desired/agent_web-2_node"]);
    expect(report.updated).toEqual(["REEVE_ALERTS", "REEVE_EVENTS"]);
    const info = JSON.parse((await provisioner.request("$JS.API.STREAM.INFO.REEVE_EVENTS", "")).string());
    expect(info.config.max_bytes).toBe(5_000_000);
    expect(info.state.messages).toBe(1);
    config.bus.duplicate_window = 60_000;
    await expect(provision(provisioner, config, secret)).rejects.toThrow(/duplicate_window must be at least 300s/);
  });

  test("a consumer of an earlier version gets today's limits, and goes on where it was", async () => {
    bus = await startBus();
    const provisioner = await bus.connect("provisioner");
    const name = CONSUMERS.events(partitionOf("web-1"));
    const api = async (subject: string, body: object = {}) =>
      JSON.parse((await provisioner.request(`$JS.API.CONSUMER.${subject}`, JSON.stringify(body))).string());
    const agent = new AgentBus(await bus.connect("agent"));
    const subject = eventSubject("process_exec", "web-1");
    for (const id of ["1", "2"]) await agent.events.publish(subject, Buffer.from("x"), id);
    const engine = new EngineBus(await bus.connect("engine"));
    const before = engine.consumeEvents({ partitions: [partitionOf("web-1")] });
    await (await before.next()).value.ackSync();
    await engine.close();
    const { config: now } = await api(`INFO.REEVE_EVENTS.${name}`);
    const config = { ...now, ack_wait: 30e9, max_deliver: 10 };
    const earlier = { stream_name: "REEVE_EVENTS", config, action: "update" };
    expect(await api(`CREATE.REEVE_EVENTS.${name}.${now.filter_subject}`, earlier)).toMatchObject({ config });
    const report = await provision(provisioner, bus.config, ensureSecret(bus.config));
    expect(report).toEqual({ created: [], updated: [`REEVE_EVENTS/${name}`] });
    expect(await api(`INFO.REEVE_EVENTS.${name}`)).toMatchObject({ config: now, ack_floor: { stream_seq: 1 } });
  });

  test("the events are bounded: the oldest go", async () => {
    bus = await startBus({ "bus.events_max_bytes": "1MB" });
    const agent = new AgentBus(await bus.connect("agent"));
    const subject = eventSubject("process_exec", "web-1");
    for (let i = 0; i < 30; i++) await agent.events.publish(subject, Buffer.alloc(100_000), String(i));
    const operator = new OperatorBus(await bus.connect("operator"));
    const [events] = await operator.readStreams();
    expect(events!.messages).toBeLessThan(11);
    expect(events!.messages).toBeGreaterThan(7);
  });
});
