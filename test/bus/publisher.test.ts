import { afterEach, describe, expect, test } from "vitest";
import { AgentBus } from "../../bus/clients/agent.ts";
import { EngineBus } from "../../bus/clients/engine.ts";
import { OperatorBus } from "../../bus/clients/operator.ts";
import type { Event } from "../../bus/generated/events.ts";
import { partitionOf } from "../../bus/partition.ts";
import { Publisher } from "../../bus/publisher.ts";
import { eventSubject } from "../../bus/subjects.ts";
import { tail } from "../../bus/tail.ts";
import type { Alert } from "../../bus/types/alert.ts";
import { collect, startBus, until, type TestBus } from "./harness.ts";

let bus: TestBus;

afterEach(async () => {
  await bus.stop();
});

const subject = eventSubject("process_exec", "web-1");

/** What the stream holds, message by message. */
async function stored(): Promise<string[]> {
  const operator = await bus.connect("operator");
  const all = await collect(tail(operator, "REEVE_EVENTS", { subject: "reeve.events.>", since: null, follow: false }));
  return all.map((message) => Buffer.from(message.data).toString());
}

const rising = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);

describe("the publisher", () => {
  test.each(["kill", "stop"] as const)("loses and doubles nothing over two restarts (%s)", async (how) => {
    bus = await startBus();
    const agent = new AgentBus(await bus.connect("agent"), { ackWait: 500, maxInFlight: 64 });
    const count = 6000;
    const results: Promise<void>[] = [];
    const feeding = (async () => {
      for (const text of rising(count)) {
        results.push(agent.events.publish(subject, Buffer.from(text), text));
        if (results.length % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 4));
      }
    })();
    await until(() => agent.events.counters.published > 500);
    await bus.restart(how, 300);
    await until(() => agent.events.counters.published > 2500);
    await bus.restart(how);
    await feeding;
    await Promise.all(results);
    const texts = await stored();
    expect(texts.length).toBe(count);
    expect(new Set(texts).size).toBe(count);
    expect(agent.events.waiting).toBe(0);
    expect(agent.events.waitingBytes).toBe(0);
    expect(agent.events.inFlight).toBe(0);
  });

  test("begins before there is a bus, keeps the order, and refuses what does not fit", async () => {
    bus = await startBus();
    await bus.server.stop();
    const connection = await bus.connect("agent", undefined, { wait: 0 });
    const publisher = new Publisher(connection, { maxBytes: 1000, maxInFlight: 3 });
    const waiting = Array.from({ length: 10 }, (_, i) =>
      publisher.publish(subject, Buffer.alloc(100, 65 + i), `m${i}`),
    );
    await expect(publisher.publish(subject, Buffer.alloc(1), "too much")).rejects.toMatchObject({ code: "full" });
    expect(publisher.waitingBytes).toBe(1000);
    expect(await publisher.drain(50)).toBe(false);
    await bus.restart("stop");
    await Promise.all(waiting);
    expect((await stored()).map((text) => text[0]).join("")).toBe("ABCDEFGHIJ");
    publisher.close();
    await expect(publisher.publish(subject, Buffer.alloc(1), "x")).rejects.toMatchObject({ code: "closed" });
  });

  test("never has more in flight than allowed", async () => {
    bus = await startBus();
    const publisher = new Publisher(await bus.connect("agent"), { maxInFlight: 5 });
    let most = 0;
    const all = rising(200).map(async (text) => {
      const done = publisher.publish(subject, Buffer.from(text), text);
      most = Math.max(most, publisher.inFlight);
      await done;
      most = Math.max(most, publisher.inFlight);
    });
    await Promise.all(all);
    expect(most).toBe(5);
    expect(await stored()).toEqual(rising(200));
  });

  test("gives up only what can never be stored, and says why", async () => {
    bus = await startBus();
    const publisher = new Publisher(await bus.connect("agent"));
    const foreign = eventSubject("process_exec", "web-2");
    await expect(publisher.publish(foreign, Buffer.from("x"), "1")).rejects.toMatchObject({ code: "refused" });
    await expect(publisher.publish(subject, Buffer.alloc(5_000_000), "2")).rejects.toMatchObject({ code: "invalid" });
    await publisher.publish(subject, Buffer.from("ok"), "3");
    expect(await stored()).toEqual(["ok"]);
  });
});

test("no finding is lost or told twice when the bus is killed between event and alert", async () => {
  bus = await startBus();
  const seen: string[] = [];
  const reader = await bus.connect("reader");
  reader.subscribe("reeve.alerts.>", (msg) => seen.push(msg.headers!.get("Nats-Msg-Id")));
  const agent = new AgentBus(await bus.connect("agent"), { ackWait: 500 });
  const engine = new EngineBus(await bus.connect("engine"), { ackWait: 500 });
  const count = 1500;
  const published = Promise.all(rising(count).map((text) => agent.events.publish(subject, Buffer.from(text), text)));
  const found = new Set<string>();
  const failed: unknown[] = [];
  const restarts: Promise<void>[] = [];
  const working = (async () => {
    for await (const message of engine.consumeEvents({ partitions: [partitionOf("web-1")] })) {
      const id = Buffer.from(message.data).toString();
      const now = new Date().toISOString();
      const event = { id } as Event;
      const alert = { id, rule: "r", severity: "low", event, first_time: now } as Alert;
      void engine.publishFinding(alert).then(
        () => {
          found.add(id);
          message.ack();
        },
        (thrown: unknown) => failed.push(thrown),
      );
      if (id === "m300" && restarts.length === 0) restarts.push(bus.restart("kill", 200));
      if (found.size === count) break;
    }
  })();
  await published;
  await until(() => found.size === count || failed.length > 0, 40_000);
  await Promise.all(restarts);
  expect(failed).toEqual([]);
  // Those whose alert went out while the reader was away are in the stream; it must hold each once.
  const operator = new OperatorBus(await bus.connect("operator"));
  const ids = (await collect(operator.readAlerts())).map((alert) => alert.id);
  expect(ids.length).toBe(count);
  expect(new Set(ids).size).toBe(count);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.length).toBeGreaterThan(300);
  await engine.close();
  await working;
});
