import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentBus } from "../../bus/clients/agent.ts";
import { ControllerBus } from "../../bus/clients/controller.ts";
import { DeciderBus } from "../../bus/clients/decider.ts";
import { EngineBus, type EventMessage } from "../../bus/clients/engine.ts";
import { OperatorBus } from "../../bus/clients/operator.ts";
import type { DesiredUpdate } from "../../bus/desired-watch.ts";
import type { Event } from "../../bus/generated/events.ts";
import { contentDigest, formatEventId } from "../../bus/ids.ts";
import { partitionOf } from "../../bus/partition.ts";
import { ACK_WAIT, MAX_DELIVER } from "../../bus/streams.ts";
import { desiredKey, eventSubject } from "../../bus/subjects.ts";
import type { Alert } from "../../bus/types/alert.ts";
import type { DesiredEntry } from "../../bus/types/desired.ts";
import type { NodeStatus } from "../../bus/types/status.ts";
import { collect, startBus, until, type TestBus } from "./harness.ts";

let bus: TestBus;
let agent: AgentBus;
let engine: EngineBus;
let controller: ControllerBus;
let operator: OperatorBus;

beforeAll(async () => {
  bus = await startBus({ "bus.nodes": ["web-1", "web-9", "db.2"], "controller.deciders": { ci: {} } });
  agent = new AgentBus(await bus.connect("agent"));
  engine = new EngineBus(await bus.connect("engine"));
  controller = new ControllerBus(await bus.connect("controller"));
  operator = new OperatorBus(await bus.connect("operator"));
});

afterAll(async () => {
  await bus.stop();
});

const id = (seq: number): string => formatEventId({ node: "web-1", boot: "6f3c", epoch: 1, kind: "process_exec", seq });

function batch(...seqs: number[]): Buffer {
  const time = new Date().toISOString();
  return Buffer.from(
    seqs
      .map((seq) => JSON.stringify({ id: id(seq), kind: "process_exec", node: "liar", time, rung: "tp_btf" }))
      .join("\n"),
  );
}

function alert(seq: number): Alert {
  const now = new Date().toISOString();
  return {
    id: `alert-${seq}`,
    rule: "exec from tmp",
    severity: "high",
    title: "t",
    message: "m",
    tags: [],
    node: "web-1",
    container: null,
    pod: null,
    first_time: now,
    last_time: now,
    count: 1,
    ruleset: "sha256:0",
    event: { id: id(seq) } as Event,
  };
}

const entry = (reason = "", renewedAt = "2026-11-22T10:00:00Z"): DesiredEntry => ({
  selectors: [
    {
      id: "s1",
      hook: "process_exec",
      action: "deny",
      mode: "monitor",
      priority: 0,
      rate: null,
      match: [{ field: "process.binary", op: "in", values: ["/tmp/x"] }],
      scope: {},
      because: { reason },
    },
  ],
  hooks: ["process_exec"],
  ttl: 600_000,
  renewedAt,
});

describe("events", () => {
  test("go from the agent to the engine, and are there for the operator", async () => {
    const subject = eventSubject("process_exec", "web-1");
    const live: string[] = [];
    const stop = new AbortController();
    const following = (async () => {
      for await (const event of operator.readEvents({ follow: true, signal: stop.signal })) live.push(event.id);
    })();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await agent.events.publish(subject, batch(1, 2), "m1");
    await agent.events.publish(subject, batch(1, 2), "m1");
    await agent.events.publish(subject, batch(3), "m2");
    expect(agent.events.counters).toMatchObject({ published: 3, duplicates: 1 });
    const events = engine.consumeEvents({ partitions: [partitionOf("web-1")] });
    const first = (await events.next()).value;
    expect(first).toMatchObject({ node: "web-1", kind: "process_exec", redelivered: false, sequence: 1 });
    expect(Buffer.from(first.data).toString()).toContain(id(2));
    first.nak(50);
    const second = (await events.next()).value;
    second.working();
    second.ack();
    const again = (await events.next()).value;
    expect(again).toMatchObject({ sequence: 1, redelivered: true, deliveries: 2 });
    await again.ackSync();
    events.close();
    const read = await collect(operator.readEvents({ kinds: ["process_exec"], node: "web-1" }));
    expect(read.map((event) => [event.id, event.node])).toEqual([1, 2, 3].map((seq) => [id(seq), "web-1"]));
    expect(await collect(operator.readEvents({ kinds: ["process_exit", "denial"] }))).toEqual([]);
    expect((await operator.findEvent(id(3), new Date()))?.id).toBe(id(3));
    expect(await operator.findEvent(id(4))).toBeNull();
    await until(() => live.length === 3);
    stop.abort();
    await following;
    expect(live).toEqual([id(1), id(2), id(3)]);
  });

  test("are read by a second engine only as far as the first has not finished them", async () => {
    const subject = eventSubject("process_exit", "web-1");
    for (let seq = 0; seq < 200; seq++) await agent.events.publish(subject, batch(seq), `exit-${seq}`);
    const other = new EngineBus(await bus.connect("engine"));
    const seen: number[] = [];
    const read = async (who: EngineBus): Promise<void> => {
      for await (const message of who.consumeEvents({ partitions: [partitionOf("web-1")], most: 10 })) {
        seen.push(message.sequence);
        message.ack();
        if (seen.length === 200) return;
      }
    };
    await Promise.race([read(engine), read(other)]);
    expect(new Set(seen).size).toBe(200);
    await other.close();
  });

  test("stay with an engine that lives, also in its queue; those of one that died come to another soon", async () => {
    const node = "web-9"; // of a partition that nothing else here is on
    const partitions = [partitionOf(node)];
    const dying = new EngineBus(await bus.connect("engine"));
    const held = dying.consumeEvents({ partitions });
    const sender = new AgentBus(await bus.connect("agent", node));
    for (let seq = 0; seq < 20; seq++)
      await sender.events.publish(eventSubject("process_exit", node), batch(seq), `held-${seq}`);
    const taken = (await held.next()).value;
    await until(() => held.size === 19);

    const other = new EngineBus(await bus.connect("engine"));
    const seen: EventMessage[] = [];
    const queue = other.consumeEvents({ partitions });
    const reading = (async () => {
      for await (const message of queue) {
        seen.push(message);
        await message.ackSync();
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, ACK_WAIT + 2000));
    expect(seen).toEqual([]);
    await taken.ackSync();
    const died = Date.now();
    await dying.bus.close();
    await until(() => seen.length >= 19, ACK_WAIT + 3000);
    expect(Date.now() - died).toBeGreaterThan(ACK_WAIT / 2);
    expect(seen.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 19 }, (_, n) => taken.sequence + 1 + n),
    );
    queue.close();
    await reading;
    await other.close();
    await sender.close();
  }, 30_000);
});

describe("findings", () => {
  test("are seen exactly once by a plain subscriber without credentials", async () => {
    const reader = await bus.connect("reader");
    const seen: string[] = [];
    reader.subscribe("reeve.alerts.>", (msg) => seen.push(`${msg.subject} ${msg.headers?.get("Nats-Msg-Id")}`));
    const own: string[] = [];
    operator.subscribeAlerts((it) => own.push(it.id));
    await Promise.all([reader.flush(), operator.bus.flush()]);
    const another = new EngineBus(await bus.connect("engine"));
    await Promise.all([engine.publishFinding(alert(1)), another.publishFinding(alert(1))]);
    await engine.publishFinding(alert(2));
    await engine.publishFinding({ ...alert(1), summary: true });
    await until(() => seen.length >= 3 && own.length >= 3);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const subject = "reeve.alerts.high.exec=20from=20tmp";
    expect(seen).toEqual([`${subject} alert-1`, `${subject} alert-2`, `${subject} alert-1-summary`]);
    expect(own).toEqual(["alert-1", "alert-2", "alert-1"]);
    expect((await operator.findAlert("alert-2"))?.id).toBe("alert-2");
    expect((await collect(operator.readAlerts())).length).toBe(3);
    await another.close();
  });
});

describe("decisions", () => {
  test("come with who decided, proved by the subject", async () => {
    const decider = new DeciderBus(await bus.connect("decider", "ci"));
    const decision = { action: "deny", hook: "process_exec", ttl: "10m" } as const;
    await engine.publishDecision("enforcement/contain", decision, "same id");
    await engine.publishDecision("enforcement/contain", decision, "same id");
    await decider.publishDecision("quarantine", decision, "same id");
    const decisions = controller.consumeDecisions();
    const first = (await decisions.next()).value;
    const second = (await decisions.next()).value;
    expect(first).toMatchObject({ policy: "enforcement/contain", decider: null });
    expect(second).toMatchObject({ policy: "quarantine", decider: "ci" });
    await Promise.all([first.ackSync(), second.ackSync()]);
    expect(decisions.size).toBe(0);
    decisions.close();
    expect(await operator.findDecision(first.sequence)).toMatchObject({ policy: "enforcement/contain", decision });
    expect(await operator.findDecision(99)).toBeNull();
    await expect(decider.publishDecision("p", { ...decision, ttl: "1 h" }, "x")).rejects.toThrow(/ttl: "1 h"/);
  });

  test("a decision comes again as often as the controller puts it off", async () => {
    const decider = new DeciderBus(await bus.connect("decider", "ci"));
    await decider.publishDecision("patience", { action: "deny", hook: "process_exec", scope: { nodes: ["a"] } }, "p1");
    const decisions = controller.consumeDecisions();
    for (let times = 1; times <= MAX_DELIVER + 2; times++) {
      const message = (await decisions.next()).value;
      expect(message).toMatchObject({ policy: "patience", deliveries: times });
      if (times < MAX_DELIVER + 2) message.nak();
      else await message.ackSync();
    }
    decisions.close();
  });
});

describe("desired state", () => {
  test("is written with compare-and-set, and each node sees its own", async () => {
    const { desired } = controller;
    const updates: DesiredUpdate[] = [];
    const watch = agent.watchDesired();
    const all = controller.desired.watch();
    void (async () => {
      for await (const update of watch) updates.push(update);
    })();
    await until(() => updates.some((it) => it.type === "synced"));
    expect(updates).toEqual([{ type: "synced", revision: 0 }]);
    const revision = await desired.put(desiredKey("a"), entry(), { revision: 0 });
    await expect(desired.put(desiredKey("a"), entry(), { revision: 0 })).rejects.toMatchObject({ code: "conflict" });
    await expect(desired.put(desiredKey("a"), entry(), { revision: 77 })).rejects.toMatchObject({ code: "conflict" });
    const second = await desired.put(desiredKey("a"), entry("again"), { revision });
    await desired.put(desiredKey("b", "db.2"), entry());
    await desired.put(desiredKey("c", "web-1"), entry());
    expect(await desired.get(desiredKey("a"))).toMatchObject({ revision: second });
    expect((await operator.readDesired()).map((it) => it.key)).toEqual(["all.a", "node.db=2E2.b", "node.web-1.c"]);
    await desired.delete(desiredKey("a"), { revision: second });
    expect(await desired.get(desiredKey("a"))).toBeNull();
    await desired.put(desiredKey("a"), entry(), { revision: 0 });
    await until(() => updates.length >= 6);
    expect(updates.map((it) => (it.type === "synced" ? it.type : [it.key, it.entry === null]))).toEqual([
      "synced",
      ["all.a", false],
      ["all.a", false],
      ["node.web-1.c", false],
      ["all.a", true],
      ["all.a", false],
    ]);
    watch.close();
    const told: string[] = [];
    for await (const update of all) {
      if (update.type === "synced") continue;
      told.push(update.key);
      if (told.length === 6) break;
    }
    await expect(desired.put("wrong", entry())).rejects.toThrow(/"wrong" is no key/);
  });

  test("a deletion of what is not there is told to who watches, not to who comes later", async () => {
    const told: string[] = [];
    const watch = agent.watchDesired();
    void (async () => {
      for await (const it of watch) told.push(it.type === "synced" ? it.type : it.key);
    })();
    await until(() => told.includes("synced"));
    told.length = 0;
    await controller.desired.delete(desiredKey("disarm"));
    await until(() => told.length > 0);
    expect(told).toEqual(["all.disarm"]);
    watch.close();
    const later = agent.watchDesired();
    for await (const it of later) {
      if (it.type === "synced") break;
      expect(it.key).not.toBe("all.disarm");
    }
  });

  test("an entry over 512 KB comes whole, and its pieces go with it", async () => {
    const large = entry("x".repeat(900_000));
    await controller.desired.put(desiredKey("large", "web-1"), large);
    const watch = agent.watchDesired();
    for await (const update of watch) {
      if (update.type !== "change" || update.key !== "node.web-1.large") continue;
      expect(update.problem).toBeUndefined();
      expect(update.entry).toEqual(large);
      break;
    }
    await controller.desired.delete(desiredKey("large", "web-1"));
    const provisioner = await bus.connect("provisioner");
    const info = await provisioner.request("$JS.API.STREAM.INFO.REEVE_LARGE", "");
    expect(JSON.parse(info.string()).state.messages).toBe(0);
  });

  test("an entry that nobody can read is told with the reason", async () => {
    await controller.bus.request("$KV.reeve_desired.all.bad", JSON.stringify({ selectors: [], hooks: [], ttl: -1 }));
    const watch = agent.watchDesired();
    for await (const update of watch) {
      if (update.type !== "change" || update.key !== "all.bad") continue;
      expect(update.entry).toBeNull();
      expect(update.problem).toMatch(/renewedAt: is missing/);
      break;
    }
    await controller.desired.delete("all.bad");
  });
});

describe("status, rule sets, control", () => {
  test("the status of node, engine and controller is read by operator and controller", async () => {
    await agent.putStatus({ node: "web-1", epoch: 3 } as NodeStatus);
    await engine.putStatus("e 1", { ruleset: null });
    await engine.putDemand("e 1", { wants: { process_exec: { formula: true, for: ["rule x"] } }, ttl: 5000 });
    const entries = await operator.readStatus();
    expect(entries.map((it) => it.key)).toEqual(["node.web-1", "engine.e=201"]);
    expect(entries[0]).toMatchObject({ value: { node: "web-1", epoch: 3 } });
    const first = (await controller.watchStatus().next()).value;
    expect(first).toMatchObject({ type: "change", key: "node.web-1" });
    const demand = (await controller.watchDemand().next()).value;
    expect(demand).toMatchObject({ type: "change", key: "engine.e=201" });
  });

  test("a rule set reaches the engine whole, and the next one too", async () => {
    const sets = engine.watchRuleSets();
    const make = (fill: number): Parameters<ControllerBus["putRuleSet"]> => {
      const bytes = Buffer.alloc(3_000_000, fill);
      const digest = contentDigest(bytes);
      return [bytes, { digest, built_at: "2026-11-22T10:00:00Z", rules: fill, policies: 0, sources: ["./policies"] }];
    };
    const [one, two] = [make(1), make(2)];
    await controller.putRuleSet(...one);
    const first = (await sets.next()).value;
    expect(first.info.rules).toBe(1);
    expect(first.bytes.equals(one[0])).toBe(true);
    await operator.ruleSets.put(...two);
    expect((await operator.ruleSets.current())?.rules).toBe(1);
    await controller.ruleSets.activate(two[1].digest);
    const before = Date.now();
    expect((await sets.next()).value.digest).toBe(two[1].digest);
    expect(Date.now() - before).toBeLessThan(1000);
    await controller.ruleSets.delete(one[1].digest);
    expect((await controller.ruleSets.list()).map((it) => it.rules)).toEqual([2]);
    await expect(controller.ruleSets.delete(two[1].digest)).rejects.toThrow(/in force/);
    await expect(controller.ruleSets.put(one[0], two[1])).rejects.toMatchObject({ code: "invalid" });
    sets.close();
  });

  test("control verbs are answered, errors have a code", async () => {
    await expect(operator.requestControl("status")).rejects.toMatchObject({ code: "no_responder" });
    const stop = controller.serveControl({
      "selectors.add": (body) => ({ got: body }),
      fails: () => Promise.reject(Object.assign(new Error("no such selector"), { code: "unknown_selector" })),
    });
    await controller.bus.flush();
    expect(await operator.requestControl("selectors.add", { a: 1 })).toEqual({ got: { a: 1 } });
    await expect(operator.requestControl("fails")).rejects.toMatchObject({
      code: "remote",
      detail: { code: "unknown_selector", message: "no such selector" },
    });
    await expect(operator.requestControl("nope")).rejects.toThrow(/unknown verb "nope"; allowed: selectors.add, fails/);
    stop();
  });
});
