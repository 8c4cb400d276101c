import { expect, test } from "vitest";
import { formatIpv4, formatIpv6, protocolName } from "../../../agent/events/address.ts";
import { WallClock } from "../../../agent/events/clock.ts";
import { quote } from "../../../agent/events/json.ts";
import { capabilityNames, signalName } from "../../../agent/events/names.ts";

test.each([
  "plain",
  "",
  'quo"te',
  "back\\slash",
  "new\nline",
  "\u0000",
  "ümlaut €",
  "😀",
  "\ud800 alone",
  "\u2028",
  "\x7f",
])("quote(%j) is JSON that reads as the same", (text) => {
  expect(JSON.parse(quote(text))).toBe(text);
  expect(quote(text)).toBe(JSON.stringify(text));
});

const SECOND = 1_000_000_000n;

test("times have nanoseconds and no rounding, forwards and backwards", () => {
  const boot = BigInt(Date.parse("2026-11-22T10:00:00Z")) * 1_000_000n;
  const clock = new WallClock(
    () => 0n,
    () => boot,
  );
  expect(clock.format(0n)).toBe("2026-11-22T10:00:00.000000000Z");
  expect(clock.format(1n)).toBe("2026-11-22T10:00:00.000000001Z");
  expect(clock.format(SECOND - 1n)).toBe("2026-11-22T10:00:00.999999999Z");
  expect(clock.format(SECOND)).toBe("2026-11-22T10:00:01.000000000Z");
  expect(clock.format(-1n)).toBe("2026-11-22T09:59:59.999999999Z");
  expect(clock.format(123_456_789n)).toBe("2026-11-22T10:00:00.123456789Z");
  expect(clock.format(400n * 86_400n * SECOND + 7n)).toBe("2027-12-27T10:00:00.000000007Z");
});

test("random times agree with Date", () => {
  const boot = 1_700_000_000_123_456_789n;
  const clock = new WallClock(
    () => 0n,
    () => boot,
  );
  for (let i = 0n; i < 2000n; i++) {
    const time = (i * 7_919_999_983n) % (1000n * SECOND);
    const wall = boot + time;
    const text = clock.format(time);
    expect(Date.parse(text)).toBe(Number(wall / 1_000_000n));
    expect(text.slice(20, 29)).toBe((wall % SECOND).toString().padStart(9, "0"));
  }
});

test("the clock follows a step of the wall clock, not its jitter", () => {
  let wall = 1_000_000n * SECOND;
  const clock = new WallClock(
    () => 0n,
    () => wall,
  );
  const before = clock.format(0n);
  wall += 1_500_000n;
  clock.adjust();
  expect(clock.format(0n)).toBe(before);
  wall += 3600n * SECOND;
  clock.adjust();
  expect(Date.parse(clock.format(0n)) - Date.parse(before)).toBe(3_600_001);
});

test.each([
  [9, "SIGKILL"],
  [15, "SIGTERM"],
  [6, "SIGABRT"],
  [11, "SIGSEGV"],
  [31, "SIGSYS"],
  [29, "SIGIO"],
  [17, "SIGCHLD"],
  [34, "SIGRTMIN"],
  [40, "SIGRTMIN+6"],
  [99, "SIG99"],
])("signal %i is %s", (number, name) => {
  expect(signalName(number)).toBe(name);
});

test("capabilities by name, unknown bits too", () => {
  expect(capabilityNames(0)).toEqual([]);
  expect(capabilityNames(2 ** 12 + 2 ** 21)).toEqual(["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]);
  expect(capabilityNames(2 ** 40)).toEqual(["CAP_CHECKPOINT_RESTORE"]);
  expect(capabilityNames(2 ** 41 - 1)).toHaveLength(41);
  expect(capabilityNames(2 ** 45)).toEqual(["CAP_45"]);
});

const ipv6 = (hex: string) => Buffer.from(hex.padEnd(32, "0"), "hex");
test.each([
  ["", "::"],
  ["00000000000000000000000000000001", "::1"],
  ["20010db8000000000000000000000001", "2001:db8::1"],
  ["20010db8000100000000000000000001", "2001:db8:1::1"],
  ["20010db8000000010000000000000001", "2001:db8:0:1::1"],
  ["20010db800010000000100010001abcd", "2001:db8:1:0:1:1:1:abcd"],
  ["00010000000000020000000000000003", "1:0:0:2::3"],
  ["fe80000000000000", "fe80::"],
])("IPv6 %s is %s", (hex, text) => {
  expect(formatIpv6(ipv6(hex))).toBe(text);
});

test("IPv4 and protocols", () => {
  expect(formatIpv4(Buffer.from([0, 10, 1, 2, 255]), 1)).toBe("10.1.2.255");
  expect([6, 17, 132].map((it) => protocolName(it))).toEqual(["tcp", "udp", "132"]);
});
