import { describe, expect, it, test } from "vitest";
import { type DnsMessage, parseDns } from "../../../agent/events/dns.ts";

/** Bytes of labels and a zero; `"\u00c0\u000c"` alone is a pointer to the first question. */
function name(text: string): number[] {
  const labels = text === "." ? [] : text.split(".");
  return [...labels.flatMap((label) => [label.length].concat(...Buffer.from(label, "latin1"))), 0];
}

const u16 = (value: number): number[] => [value >> 8, value & 255];
const QUESTION = [0xc0, 12];

function record(owner: number[], type: number, data: number[], cls = 1): number[] {
  return [...owner, ...u16(type), ...u16(cls), 0, 0, 1, 44, ...u16(data.length), ...data];
}

function message(
  flags: number,
  question: number[],
  type: number,
  answers: number[][] = [],
  counts: { questions?: number; answers?: number } = {},
): Uint8Array {
  const head = [0x12, 0x34, ...u16(flags), ...u16(counts.questions ?? 1), ...u16(counts.answers ?? answers.length)];
  return Uint8Array.from([...head, 0, 0, 0, 0, ...question, ...u16(type), 0, 1, ...answers.flat()]);
}

const QUERY = 0x0100;
const ANSWER = 0x8180;
const plain = (part: Partial<DnsMessage>): DnsMessage => ({
  ...{ id: 0x1234, answer: true, code: "NOERROR", name: "www.example.org", type: "A" },
  ...{ addresses: [], targets: [], truncated: false },
  ...part,
});

test.each<[string, Uint8Array, DnsMessage]>([
  ["a query", message(QUERY, name("www.example.org"), 1), plain({ answer: false, code: null })],
  ["of capitals", message(QUERY, name("wWw.ExAmPle.ORG"), 28), plain({ answer: false, code: null, type: "AAAA" })],
  ["of the root", message(QUERY, name("."), 2), plain({ answer: false, code: null, name: ".", type: "NS" })],
  [
    "of a name with strange bytes",
    message(QUERY, [5, 0x61, 0x2e, 0x5c, 0, 0xff, 0], 16),
    plain({ answer: false, code: null, name: "a\\.\\\\\\000\\255", type: "TXT" }),
  ],
  [
    "of a type nobody knows",
    message(QUERY, name("x"), 65280),
    plain({ answer: false, code: null, name: "x", type: "TYPE65280" }),
  ],
  ["no such name", message(0x8183, name("www.example.org"), 1), plain({ code: "NXDOMAIN" })],
  ["a code nobody knows", message(0x818f, name("www.example.org"), 1), plain({ code: "RCODE15" })],
  [
    "an alias and two addresses, compressed",
    message(ANSWER, name("www.example.org"), 1, [
      record(QUESTION, 5, [3, 0x63, 0x64, 0x6e, 0xc0, 16]),
      record([0xc0, 45], 1, [192, 0, 2, 1]),
      record([0xc0, 45], 1, [192, 0, 2, 2]),
    ]),
    plain({ addresses: ["192.0.2.1", "192.0.2.2"], targets: ["cdn.example.org"] }),
  ],
  [
    "an address of IPv6, and a mail server",
    message(ANSWER, name("www.example.org"), 255, [
      record(QUESTION, 28, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]),
      record(QUESTION, 15, [0, 10, 2, 0x6d, 0x78, 0xc0, 16]),
      record(QUESTION, 33, [0, 1, 0, 2, 1, 187, ...name("srv.test")]),
      record(QUESTION, 65, [0, 1, 0]),
      record(QUESTION, 16, [2, 0x68, 0x69]),
    ]),
    plain({ type: "ANY", addresses: ["2001:db8::7"], targets: ["mx.example.org", "srv.test", "."] }),
  ],
  [
    "an address of another class, or of a wrong length, is none",
    message(ANSWER, name("www.example.org"), 1, [
      record(QUESTION, 1, [1, 2, 3, 4], 3),
      record(QUESTION, 1, [1, 2, 3]),
      record(QUESTION, 28, [1, 2, 3, 4]),
    ]),
    plain({}),
  ],
  ["cut off by the server", message(0x8380, name("www.example.org"), 1), plain({ truncated: true })],
  [
    "fewer answers than it says",
    message(ANSWER, name("www.example.org"), 1, [record(QUESTION, 1, [192, 0, 2, 1])], { answers: 2 }),
    plain({ addresses: ["192.0.2.1"], truncated: true }),
  ],
  [
    "an owner that points forwards",
    message(ANSWER, name("www.example.org"), 1, [record([0xc0, 200], 1, [192, 0, 2, 1])]),
    plain({ truncated: true }),
  ],
  [
    "data longer than the message",
    message(ANSWER, name("www.example.org"), 1, [[...QUESTION, 0, 1, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 1]]),
    plain({ truncated: true }),
  ],
  [
    "an alias that points to itself",
    message(ANSWER, name("www.example.org"), 5, [record(QUESTION, 5, [0xc0, 45]), record(QUESTION, 1, [192, 0, 2, 9])]),
    plain({ type: "CNAME", addresses: ["192.0.2.9"] }),
  ],
])("%s", (_, bytes, expected) => {
  expect(parseDns(bytes)).toEqual(expected);
});

describe("what is no message", () => {
  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["less than a header", new Uint8Array(11)],
    ["a header alone", message(QUERY, [], 0).subarray(0, 12)],
    ["no question", message(QUERY, name("x"), 1, [], { questions: 0 })],
    ["two questions", message(QUERY, name("x"), 1, [], { questions: 2 })],
    ["an update", message(0x2800, name("x"), 1)],
    ["a name that points to itself", message(QUERY, [0xc0, 12], 1)],
    ["a name that points forwards", message(QUERY, [0xc0, 14, 0], 1)],
    ["a name that goes in a circle", message(QUERY, [1, 0x61, 0xc0, 12], 1)],
    ["a name that does not end", message(QUERY, [63], 1)],
    ["a label of another kind", message(QUERY, [0x41, 0, 0], 1)],
    ["a name longer than names are", message(QUERY, name(Array(5).fill("x".repeat(62)).join(".")), 1)],
    ["a pointer cut in two", Uint8Array.from([...message(QUERY, [], 0).subarray(0, 12), 0xc0])],
    ["text", Buffer.from("GET / HTTP/1.1\r\nHost: tunnel\r\n\r\n")],
  ])("%s", (_, bytes) => {
    expect(parseDns(bytes)).toBeUndefined();
  });
});

it("a message of which less is carried says so, wherever it is cut", () => {
  const whole = message(ANSWER, name("www.example.org"), 1, [
    record(QUESTION, 1, [192, 0, 2, 1]),
    record(QUESTION, 1, [192, 0, 2, 2]),
  ]);
  const question = 12 + name("www.example.org").length + 4;
  for (let length = 0; length < whole.length; length++) {
    const parsed = parseDns(whole.subarray(0, length), whole.length);
    if (length < question) expect(parsed).toBeUndefined();
    else expect(parsed).toMatchObject({ name: "www.example.org", truncated: true });
  }
  expect(parseDns(whole, whole.length)).toMatchObject({ truncated: false });
});

it("tells no more than 64 addresses, and that there are more", () => {
  const answers = Array.from({ length: 70 }, (_, at) => record(QUESTION, 1, [10, 0, 0, at]));
  const parsed = parseDns(message(ANSWER, name("www.example.org"), 1, answers))!;
  expect(parsed.addresses).toHaveLength(64);
  expect(parsed.truncated).toBe(true);
});

it("takes any bytes", () => {
  let seed = 7;
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 16;
  const good = message(ANSWER, name("www.example.org"), 1, [
    record(QUESTION, 5, [3, 0x63, 0x64, 0x6e, 0xc0, 16]),
    record([0xc0, 45], 28, Array(16).fill(1)),
  ]);
  let parsed = 0;
  for (let round = 0; round < 20000; round++) {
    const bytes = Uint8Array.from(round % 2 ? good : { length: random() % 80 }, (byte) => byte ?? random());
    for (let flips = random() % 6; flips > 0; flips--) bytes[random() % (bytes.length + 1)] = random();
    const result = parseDns(bytes, bytes.length + (random() % 2));
    if (result === undefined) continue;
    parsed++;
    expect(result.name.length).toBeLessThanOrEqual(4 * 255);
    expect(result.addresses.length + result.targets.length).toBeLessThanOrEqual(2);
  }
  expect(parsed).toBeGreaterThan(1000);
});
