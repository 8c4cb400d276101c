import { afterAll, beforeAll, expect, test } from "vitest";
import { AgentBus } from "../../bus/clients/agent.ts";
import { EngineBus, type EventFeed } from "../../bus/clients/engine.ts";
import { partitionOf } from "../../bus/partition.ts";
import { ACK_WAIT } from "../../bus/streams.ts";
import { eventSubject } from "../../bus/subjects.ts";
import { startBus, type TestBus, until } from "./harness.ts";

// Partitions that go from one reader to another while events come.

const TURNS = 40;
let bus: TestBus;

beforeAll(async () => {
  bus = await startBus();
});
afterAll(() => bus.stop());

test("what comes while a partition changes hands waits for nobody's time limit", async () => {
  const agent = new AgentBus(await bus.connect("agent"));
  const partition = partitionOf("web-1");
  const subject = eventSubject("process_exec", "web-1");
  const published = new Map<string, number>();
  const done = new Map<string, number>();
  let twice = 0;
  const read = async (): Promise<EventFeed> => {
    const feed = new EngineBus(await bus.connect("engine")).feedEvents({ partitions: [] });
    void (async () => {
      for await (const message of feed.queue) {
        const text = Buffer.from(message.data).toString();
        if (done.has(text)) twice++;
        else done.set(text, performance.now());
        message.ack();
      }
    })();
    return feed;
  };
  const feeds = [await read(), await read()];
  const publishing = new AbortController();
  const publisher = (async () => {
    for (let n = 0; !publishing.signal.aborted; n++) {
      published.set(`${n}`, performance.now());
      await agent.events.publish(subject, Buffer.from(`${n}`), `m${n}`);
    }
  })();
  for (let turn = 0; turn < TURNS; turn++) {
    const [next, before] = [feeds[turn % 2]!, feeds[(turn + 1) % 2]!];
    await before.setPartitions([]);
    await next.setPartitions([partition]);
    await new Promise((wake) => setTimeout(wake, 50));
  }
  publishing.abort();
  await publisher;
  await until(() => done.size === published.size, 15_000);
  const waits = [...published].map(([text, at]) => done.get(text)! - at).sort((a, b) => b - a);
  expect(waits[0]).toBeLessThan(ACK_WAIT * 0.6);
  expect(twice).toBe(0);
  for (const feed of feeds) feed.queue.close();
}, 120_000);
