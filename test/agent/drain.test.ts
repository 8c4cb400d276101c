import { expect, test } from "vitest";
import { DrainLoop, pauseAfter } from "../../agent/drain.ts";
import type { RingReader } from "../../agent/kernel/ring.ts";
import type { RingSleep } from "../../agent/kernel/ring-sleep.ts";

test.each([
  ["nothing", 0, 5],
  ["a record", 1, 12.5],
  ["many records", 4095, 12.5],
  ["more than a pass takes", 4096, 0],
])("the ring is read again in time: %s", (_, read, pause) => {
  expect(pauseAfter(read, 5)).toBe(pause);
});

/** A loop over passes that find `finds` records each, then none; resolves with what it did when it sleeps for the `sleeps`th time. */
async function run(finds: number[], options: { sleeps?: number; ready?: boolean[] } = {}) {
  const did: string[] = [];
  const ready = [...(options.ready ?? [])];
  const { promise, resolve } = Promise.withResolvers<void>();
  let wake = (): void => {};
  let slept = 0;
  const loop = new DrainLoop({
    ring: { drain: () => finds.shift() ?? 0 } as unknown as RingReader,
    onRecord: () => {},
    afterDrain: (records) => did.push(`pass ${records}`),
    intervalMs: 1,
    onError: (error) => did.push(String(error)),
    sleep: {
      untilRecord: async () => {
        did.push("sleep");
        if (++slept >= (options.sleeps ?? 1)) resolve();
        else return;
        await new Promise<void>((done) => (wake = done));
      },
      interrupt: () => wake(),
    } as unknown as RingSleep,
    beforeSleep: () => {
      const now = ready.shift() ?? true;
      if (!now) did.push("not yet");
      return now;
    },
  });
  loop.start();
  await promise;
  await loop.stop();
  return { did, counters: loop.counters };
}

test("it sleeps after two passes without a record, and passes at once when it is woken", async () => {
  const { did, counters } = await run([3, 0, 2], { sleeps: 2 });
  expect(did).toEqual(["pass 3", "pass 0", "pass 2", "pass 0", "pass 0", "sleep", "pass 0", "sleep"]);
  expect(counters).toEqual({ passes: 6, records: 5, sleeps: 2 });
});

test("it can be woken without a record", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let wake = (): void => {};
  let passes = 0;
  const loop = new DrainLoop({
    ring: { drain: () => 0 } as unknown as RingReader,
    onRecord: () => {},
    afterDrain: () => passes++,
    intervalMs: 1,
    onError: () => {},
    sleep: {
      untilRecord: () => {
        resolve();
        return new Promise<void>((done) => (wake = done));
      },
      interrupt: () => wake(),
    } as unknown as RingSleep,
    beforeSleep: () => true,
  });
  loop.start();
  await promise;
  const before = passes;
  await new Promise((done) => setImmediate(done));
  loop.wake();
  await new Promise((done) => setImmediate(done));
  expect(passes).toBe(before + 1);
  await loop.stop();
});

test("what is not finished keeps it awake", async () => {
  const { did } = await run([], { ready: [false, false] });
  expect(did).toEqual(["pass 0", "pass 0", "not yet", "pass 0", "not yet", "pass 0", "sleep"]);
});
