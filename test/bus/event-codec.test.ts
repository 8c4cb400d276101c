import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { packEvents, unpackEvents } from "../../bus/event-codec.ts";

const lines = (count: number): Buffer =>
  Buffer.from(
    Array.from({ length: count }, (_, n) => `{"id":"web-1/0/1/process_exec/${n}","é":"\u{1f600}"}\n`).join(""),
  );

test.each([0, 1, 10, 100, 5000])("%i lines come back as they were", (count) => {
  const before = lines(count);
  const packed = packEvents(before);
  const kept = Buffer.from(before);
  before.fill(0);
  expect(Buffer.from(unpackEvents(packed)).equals(kept)).toBe(true);
  expect(packed.length).toBeLessThanOrEqual(kept.length);
});

test("what is long is compressed, what is short can be read by anybody", () => {
  expect(packEvents(lines(2)).toString()).toContain("web-1");
  expect(packEvents(lines(1000)).length).toBeLessThan(lines(1000).length / 5);
});

test.each([
  ["cut off", packEvents(lines(1000)).subarray(0, 200)],
  ["no gzip behind its first bytes", Uint8Array.of(0x1f, 0x8b, 1, 2, 3)],
  ["longer than any message", gzipSync(Buffer.alloc(20 * 1024 * 1024))],
])("a message that is %s is an error", (_, data) => {
  expect(() => unpackEvents(data)).toThrow(expect.objectContaining({ code: "corrupt" }));
});
