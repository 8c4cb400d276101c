import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { WallClock } from "../../../agent/events/clock.ts";
import { EventBatcher } from "../../../agent/publish/batcher.ts";
import { LossBook } from "../../../agent/publish/losses.ts";
import type { EventMessage } from "../../../agent/publish/message.ts";
import { Outbox } from "../../../agent/publish/outbox.ts";
import { readRunState, writeRunState } from "../../../agent/publish/run-state.ts";

function batcher() {
  const sent: EventMessage[] = [];
  const state = { waiting: 0, now: 0 };
  const made = new EventBatcher({
    node: "web.1",
    boot: "0badcafe",
    epoch: 7,
    clock: new WallClock(
      () => 0n,
      () => 0n,
    ),
    send: (message) => sent.push(message),
    waiting: () => state.waiting,
    now: () => state.now,
  });
  const lines = (message: EventMessage) =>
    Buffer.from(message.payload)
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { batcher: made, sent, state, lines };
}

test("events are numbered per kind and make messages of 64", () => {
  const { batcher: made, sent, lines } = batcher();
  for (let i = 0; i < 130; i++) made.add("process_exit", BigInt(i), `"n":${i}`);
  made.add("process_exec", 5n, '"n":0');
  expect(sent.map(({ id, count }) => [id, count])).toEqual([
    ["web=2E1/0badcafe/7/process_exit/1", 64],
    ["web=2E1/0badcafe/7/process_exit/65", 64],
  ]);
  expect(sent[0]!.subject).toMatch(/^reeve\.events\.\d+\.process_exit\.web=2E1$/);
  expect([sent[1]!.from, sent[1]!.to]).toEqual([64n, 127n]);
  expect(lines(sent[0]!)[63]).toEqual({
    id: "web=2E1/0badcafe/7/process_exit/64",
    kind: "process_exit",
    node: "web.1",
    time: "1970-01-01T00:00:00.000000063Z",
    n: 63,
  });
  expect(made.oldest()).toBe(5n);
  made.flush();
  expect(sent.slice(2).map(({ id, count }) => [id, count])).toEqual([
    ["web=2E1/0badcafe/7/process_exit/129", 2],
    ["web=2E1/0badcafe/7/process_exec/1", 1],
  ]);
  expect(made.sequences()).toEqual({ process_exit: 130, process_exec: 1 });
  expect(made.oldest()).toBeUndefined();
});

test("urgent kinds go after the drain, the others within 100 ms", () => {
  const { batcher: made, sent, state } = batcher();
  made.add("process_exit", 0n, '"n":0');
  made.add("process_exec", 0n, '"n":0');
  made.add("denial", 0n, '"n":0');
  made.flushDue();
  expect(sent.map((it) => it.kind)).toEqual(["process_exec", "denial"]);
  state.now = 99;
  made.flushDue();
  expect(sent).toHaveLength(2);
  state.now = 100;
  made.flushDue();
  expect(sent[2]!.kind).toBe("process_exit");
});

test("what was held back comes after what is newer: the message says from when to when it reaches", () => {
  const { batcher: made, sent } = batcher();
  for (const time of [50n, 20n, 40n]) made.add("process_exec", time, '"n":0');
  expect(made.oldest()).toBe(20n);
  made.flush();
  expect(sent[0]).toMatchObject({ from: 20n, to: 50n, count: 3 });
});

test("a slow bus gets fewer and larger messages, bounded in size", () => {
  const { batcher: made, sent, state } = batcher();
  state.waiting = 100;
  for (let i = 0; i < 500; i++) made.add("process_exec", 0n, '"n":0');
  made.flushDue();
  expect(sent).toHaveLength(0);
  state.now = 100;
  made.flushDue();
  expect(sent.map((it) => it.count)).toEqual([500]);
  for (let i = 0; i < 20; i++) made.add("process_exec", 0n, `"text":"${"x".repeat(30_000)}"`);
  expect(sent.every((it) => it.payload.byteLength < 200_000)).toBe(true);
});

const message = (n: number, bytes = 100): EventMessage => ({
  subject: "s",
  payload: new Uint8Array(bytes),
  id: String(n),
  kind: "process_exec",
  count: 2,
  from: BigInt(n),
  to: BigInt(n + 1),
});

test("while the bus takes nothing the oldest are given up and counted, and what is kept goes out later", async () => {
  const stored: string[] = [];
  const lost: [string, string][] = [];
  let up = false;
  const outbox = new Outbox({
    publish: async (_subject, _payload, id) => {
      await delay(1);
      if (!up) throw new Error("no bus");
      stored.push(id);
    },
    maxBytes: 1000,
    inFlightMax: 2,
    onLost: ({ id }, reason) => lost.push([id, reason]),
  });
  for (let n = 0; n < 20; n++) outbox.push(message(n));
  expect(lost.map(([, reason]) => reason)).toEqual(Array.from({ length: 10 }, () => "buffer_overflow"));
  expect(outbox.bytes).toBe(1000);
  await delay(20);
  up = true;
  await outbox.drained(2000);
  const gone = lost.map(([id]) => Number(id));
  expect([...stored.map(Number), ...gone].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  // the newest are what was kept
  expect(stored).toContain("19");
  expect([outbox.waiting, outbox.bytes, outbox.oldest()]).toEqual([0, 0, undefined]);
  outbox.close();
});

test("what the bus will never take is given up once, what it may take is tried again unchanged", async () => {
  const tries: string[] = [];
  const lost: string[] = [];
  const outbox = new Outbox({
    publish: async (_subject, _payload, id) => {
      tries.push(id);
      if (id === "1") throw Object.assign(new Error("no"), { code: "refused" });
      if (id === "2" && tries.filter((it) => it === "2").length < 3)
        throw Object.assign(new Error("later"), { code: "timeout" });
    },
    maxBytes: 1e6,
    onLost: ({ id }, reason) => lost.push(`${id} ${reason}`),
  });
  for (const n of [1, 2, 3]) outbox.push(message(n));
  await outbox.drained(3000);
  expect(lost).toEqual(["1 refused"]);
  expect(tries.filter((it) => it === "1")).toHaveLength(1);
  expect(tries.filter((it) => it === "2")).toHaveLength(3);
  outbox.close();
});

test("drained gives up waiting after its time", async () => {
  const never = Promise.withResolvers<void>();
  const outbox = new Outbox({ publish: () => never.promise, maxBytes: 1000, onLost: () => {} });
  outbox.push(message(1));
  const began = performance.now();
  await outbox.drained(50);
  expect(performance.now() - began).toBeLessThan(1000);
  expect(outbox.oldest()).toBe(1n);
  outbox.close();
});

test("losses of one reason and kind become one gap; totals stay", () => {
  const book = new LossBook();
  book.add({ reason: "buffer_overflow", kind: "process_exec", count: 2, from: 5n, to: 9n });
  book.add({ reason: "buffer_overflow", kind: "process_exec", count: 3, from: 3n, to: 7n });
  book.add({ reason: "ring_overflow", kind: "process_exec", count: null, from: 1n, to: 2n });
  expect(book.take()).toEqual([
    { reason: "buffer_overflow", kind: "process_exec", count: 5, from: 3n, to: 9n },
    { reason: "ring_overflow", kind: "process_exec", count: null, from: 1n, to: 2n },
  ]);
  expect(book.take()).toEqual([]);
  expect(book.totals()).toEqual({ "buffer_overflow.process_exec": 5, "ring_overflow.process_exec": 0 });
});

test("what a run leaves is read by the next; a damaged file never gives an epoch twice", () => {
  const dir = mkdtempSync(join(tmpdir(), "reeve-state-"));
  try {
    expect(readRunState(dir)).toBeNull();
    const state = { boot: "b", epoch: 41, last_time: "2026-11-22T10:00:00.000000000Z", sequences: { gap: 2 } };
    writeRunState(dir, state);
    expect(readRunState(dir)).toEqual(state);
    for (const damaged of ["", "{", '{"epoch":1}', '{"epoch":"x","boot":"b","last_time":"2026-11-22T10:00:00Z"}']) {
      writeFileSync(join(dir, "agent.json"), damaged);
      expect(readRunState(dir)!.epoch).toBeGreaterThan(1_000_000);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
