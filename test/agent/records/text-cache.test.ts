import { expect, test } from "vitest";
import { TextCache } from "../../../agent/records/text-cache.ts";

const cache = new TextCache();

function read(text: string | Buffer): string {
  const bytes = Buffer.concat([Buffer.from("<"), Buffer.from(text), Buffer.from(">")]);
  return cache.text(bytes, 1, bytes.length - 1);
}

test.each([
  ["nothing", ""],
  ["a path", "/usr/bin/true"],
  ["the longest that is kept", "x".repeat(128)],
  ["longer", "y".repeat(129)],
  ["beyond ASCII", "/tmp/ü/日本/🙂"],
  ["Latin-1 only", "/tmp/é"],
  ["a zero byte", "a\0b"],
])("bytes come back as the same text, first and second time: %s", (_, text) => {
  expect([read(text), read(text)]).toEqual([text, text]);
});

test("bytes that are no UTF-8 become U+FFFD", () => {
  expect(read(Buffer.from([0x2f, 0xff, 0x61]))).toBe("/\ufffda");
});

test("more texts than it keeps, of the same length, are never taken for each other", () => {
  const texts = Array.from({ length: 20_000 }, (_, i) => `/p/${String(i).padStart(6, "0")}`);
  for (const text of [...texts, ...texts.toReversed()]) expect(read(text)).toBe(text);
});
