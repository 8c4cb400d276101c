import { expect, test } from "vitest";
import type { StoredWindow } from "../../../bus/clients/engine.ts";
import { Windows } from "../../../rules/engine/windows.ts";
import type { WindowStore } from "../../../rules/engine/windows.ts";
import { makeAlert } from "../../../rules/eval/finding.ts";
import type { Finding } from "../../../rules/eval/finding.ts";
import { build, exec, yamlRule } from "../helpers.ts";

const { set } = await build({ "a.yaml": yamlRule("a", "true") });
const PARTITION = 7;

/** A store in memory, as the bus keeps it: the last of each key, closed ones gone. */
class Kept implements WindowStore {
  readonly windows = new Map<string, Uint8Array>();
  writes = 0;
  failures = 0;
  time = 0;

  readWindows(partition: number): Promise<StoredWindow[]> {
    const prefix = `${partition}.`;
    const mine = [...this.windows].filter(([key]) => key.startsWith(prefix));
    return Promise.resolve(mine.map(([key, data]) => ({ key: key.slice(prefix.length), data, time: this.time })));
  }

  putWindow(partition: number, key: string, data: Uint8Array | null): Promise<void> {
    this.writes++;
    if (this.failures-- > 0) return Promise.reject(new Error("no bus"));
    if (data === null) this.windows.delete(`${partition}.${key}`);
    else this.windows.set(`${partition}.${key}`, data);
    return Promise.resolve();
  }
}

function finding(seq: number, key = "k"): Finding {
  const event = { ...exec({}, seq), time: `2026-01-01T00:00:0${seq}.000000000Z` };
  return { alert: makeAlert(set.rules[0]!, event, "sha256:x", { message: "m" }), dedupe: { key, within: 1000 } };
}

function clocked(store = new Kept(), maxWindows?: number) {
  const clock = { now: 0 };
  const windows = new Windows(store, {
    now: () => clock.now,
    ...(maxWindows === undefined ? {} : { maxWindows }),
  });
  /** One finding of one message; whether it is published now. */
  const admit = (it: Finding, sequence: number): boolean => windows.admit([it], PARTITION, sequence).length === 1;
  return { clock, windows, admit, store };
}

const summaries = (windows: Windows) => windows.ended().flatMap(({ summary }) => (summary === null ? [] : [summary]));

test("the first at once, one summary when the window ends", () => {
  const { clock, windows, admit } = clocked();
  expect([1, 2, 3].map((seq) => admit(finding(seq), seq))).toEqual([true, false, false]);
  expect(windows.ended()).toEqual([]);
  clock.now = 1000;
  expect(summaries(windows)).toMatchObject([
    {
      count: 3,
      summary: true,
      first_time: "2026-01-01T00:00:01.000000000Z",
      last_time: "2026-01-01T00:00:03.000000000Z",
    },
  ]);
  expect(windows.ended()).toEqual([]);
  expect(admit(finding(4), 4)).toBe(true);
});

test("one alone has no summary; other keys are other findings; without dedupe each counts", () => {
  const { clock, windows, admit } = clocked();
  expect([admit(finding(1, "a"), 1), admit(finding(2, "b"), 2)]).toEqual([true, true]);
  const each = { ...finding(3, "a"), dedupe: null };
  expect([admit(each, 3), admit(each, 4)]).toEqual([true, true]);
  clock.now = 1000;
  expect(summaries(windows)).toEqual([]);
});

test("a message that comes again is not counted again; its first finding is published with the id that it had", () => {
  const { clock, windows } = clocked();
  const message = [finding(1), finding(2), finding(3)];
  expect(windows.admit(message, PARTITION, 5).map(({ id }) => id)).toEqual([message[0]!.alert.id]);
  expect(windows.admit(message, PARTITION, 5).map(({ id }) => id)).toEqual([message[0]!.alert.id]);
  windows.admit([finding(4)], PARTITION, 6);
  clock.now = 1000;
  expect(summaries(windows)).toMatchObject([{ count: 4 }]);
});

test("whoever reads the partition next goes on with the windows as they were stored", async () => {
  const before = clocked();
  before.admit(finding(1), 1);
  before.admit(finding(2), 2);
  await before.windows.stored();
  before.admit(finding(3), 3); // not stored: its message was not acked, and comes again
  const after = clocked(before.store);
  await after.windows.restore(PARTITION);
  expect([2, 3, 4].map((seq) => after.admit(finding(seq), seq))).toEqual([false, false, false]);
  after.clock.now = 999;
  expect(after.windows.ended()).toEqual([]);
  after.clock.now = 1000;
  const [ended] = after.windows.ended();
  expect(ended?.summary).toMatchObject({ count: 4, summary: true });
  await after.windows.close(ended!);
  expect(before.store.windows.size).toBe(0);
  const other = clocked(before.store);
  await other.windows.restore(PARTITION + 1);
  expect(other.windows.open).toBe(0);
});

test("what changed is stored before its message is acked, many changes at once; a store that fails is said", async () => {
  const { windows, admit, store } = clocked();
  for (let seq = 1; seq <= 9; seq++) admit(finding(seq), seq);
  await Promise.all(Array.from({ length: 5 }, () => windows.stored()));
  expect(store.writes).toBe(1);
  await windows.stored();
  expect(store.writes).toBe(1);
  admit(finding(9), 10);
  store.failures = 1;
  await expect(windows.stored()).rejects.toThrow("no bus");
  await windows.stored();
  expect(store.writes).toBe(3);
});

test("past the limit the oldest ends early, and a partition that is left is forgotten", () => {
  const { windows, admit } = clocked(new Kept(), 2);
  admit(finding(1, "a"), 1);
  admit(finding(2, "a"), 2);
  admit(finding(3, "b"), 3);
  admit(finding(4, "c"), 4);
  expect(summaries(windows)).toMatchObject([{ count: 2 }]);
  expect(windows.open).toBe(2);
  windows.forget(PARTITION);
  expect(windows.open).toBe(0);
});

test("what cannot be read as a window is said and left", async () => {
  const store = new Kept();
  store.windows.set(`${PARTITION}.x`, Buffer.from("no json"));
  store.windows.set(`${PARTITION}.y`, Buffer.from('{"count": 1}'));
  const said: string[] = [];
  const windows = new Windows(store, { onUnreadable: (reason) => said.push(reason) });
  await windows.restore(PARTITION);
  expect(said.map((reason) => reason.slice(0, 10))).toEqual(["window 7.x", "window 7.y"]);
});
