import { afterAll, beforeAll, expect, test } from "vitest";
import { EngineBus, type EngineMember } from "../../../bus/clients/engine.ts";
import { createLogger } from "../../../bus/log.ts";
import { Ownership, present } from "../../../rules/engine/ownership.ts";
import { startBus, until, type TestBus } from "../../bus/harness.ts";

const ALL = Array.from({ length: 32 }, (_, partition) => partition);
let bus: TestBus;

beforeAll(async () => {
  bus = await startBus();
});
afterAll(async () => {
  await bus.stop();
});

interface Running {
  ownership: Ownership;
  client: EngineBus;
  leave(): Promise<void>;
}

async function start(name: string): Promise<Running> {
  const client = new EngineBus(await bus.connect("engine"));
  const ownership = new Ownership(client, name, ALL, createLogger("engine", "silent"));
  const stop = new AbortController();
  const done = ownership.run(stop.signal, () => Promise.resolve());
  return {
    ownership,
    client,
    async leave() {
      stop.abort();
      await done;
    },
  };
}

const shares = (...engines: Running[]): number[] => engines.map(({ ownership }) => ownership.owned.length);
const together = (...engines: Running[]): number[] =>
  engines.flatMap(({ ownership }) => ownership.owned).toSorted((a, b) => a - b);

test("one has all; a second one gets half; one that leaves is replaced within two seconds", async () => {
  const one = await start("one");
  await until(() => one.ownership.owned.length === 32);
  // The same name: two by mistake, yet two.
  const two = await start("one");
  await until(() => shares(one, two).join() === "16,16");
  expect(together(one, two)).toEqual(ALL);
  await two.leave();
  const begin = performance.now();
  await until(() => one.ownership.owned.length === 32);
  expect(performance.now() - begin).toBeLessThan(2000);
  await one.leave();
});

test("one that dies without a word is replaced within six seconds", async () => {
  const one = await start("one");
  const two = await start("two");
  await until(() => shares(one, two).join() === "16,16");
  await two.client.bus.close();
  const begin = performance.now();
  await until(() => one.ownership.owned.length === 32);
  expect(performance.now() - begin).toBeLessThan(6000);
  await two.leave();
  await one.leave();
});

test("a bus that was away takes no partition from anybody who is still there", async () => {
  const one = await start("one");
  const two = await start("two");
  await until(() => shares(one, two).join() === "16,16");
  const before = [one.ownership.owned, two.ownership.owned].map((owned) => owned.join());
  const changes: string[] = [];
  const watching = setInterval(() => {
    const now = [one.ownership.owned, two.ownership.owned].map((owned) => owned.join());
    if (now.join(";") !== before.join(";")) changes.push(now.join(";"));
  }, 20);
  // Longer than an engine that says nothing is taken for there.
  await bus.restart("kill", 5000);
  await new Promise((wake) => setTimeout(wake, 6000));
  clearInterval(watching);
  expect(changes).toEqual([]);
  await two.leave();
  await one.leave();
});

test("who is there is told by the server's times alone", () => {
  const at = (id: string, time: number): EngineMember => ({
    id,
    time,
    partitions: [],
    holds: [],
  });
  expect(present([at("a", 10_000), at("b", 6000), at("c", 7000)]).map(({ id }) => id)).toEqual(["a", "c"]);
});
