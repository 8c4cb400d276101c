import { spawnSync } from "node:child_process";
import { afterAll, expect, test } from "vitest";
import { Hooks } from "../../../agent/hooks/hooks.ts";
import { RingReader } from "../../../agent/kernel/ring.ts";
import { RingSleep } from "../../../agent/kernel/ring-sleep.ts";

const RING_BYTES = 1 << 20;
const hooks = new Hooks({ ringBytes: RING_BYTES, argumentBytes: 1024, connectCgroup: undefined });
hooks.attachProcesses();
const ring = new RingReader(hooks.maps.fd("events")!, RING_BYTES);
const sleep = new RingSleep(hooks.maps.fd("events")!, hooks.maps.fd("agent_asleep")!);
afterAll(() => {
  sleep.close();
  ring.close();
  hooks.close();
});

function drain(): number {
  return ring.drain(() => {});
}

test("a record wakes who sleeps, every time, and leaves nothing but itself in the ring", async () => {
  for (let i = 0; i < 20; i++) {
    drain();
    const woken = sleep.untilRecord();
    spawnSync("/bin/true");
    // something else on the machine may have woken it first, the answer is the same
    expect(await woken).toBe(true);
    expect(drain()).toBeGreaterThan(0);
  }
});

test("who is awake is not woken, and does not sleep over what is in the ring already", async () => {
  drain();
  spawnSync("/bin/true");
  expect(ring.pending()).toBeGreaterThan(0);
  // poll sees the records, so no program has to say anything
  await sleep.untilRecord();
  expect(drain()).toBeGreaterThan(0);
});

test("an interrupt ends one wait, and only one", async () => {
  const waits = [];
  for (let i = 0; i < 3; i++) {
    drain();
    const woken = sleep.untilRecord();
    if (i % 2 === 0) sleep.interrupt();
    else spawnSync("/bin/true");
    waits.push(await woken);
  }
  // others on the machine may run something meanwhile; a program that woke it is what the one in the middle needs
  expect(waits[1]).toBe(true);
});
