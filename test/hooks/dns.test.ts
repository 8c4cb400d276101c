import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const ASK = buildProgram("ask_dns");
const SOCKETS = buildProgram("sockets");

interface Asked {
  pid: number;
  server: number;
  asked: number;
  answered: number;
  saddr: string;
  sport: number;
}

let rig: HookRig;
beforeAll(async () => {
  rig = await HookRig.start("dns");
});
afterAll(() => rig.stop());

const QUESTION = { name: "shop.example.org", type: "A", code: null, addresses: [], targets: [], truncated: false };
const ANSWER = {
  ...{ name: "shop.example.org", type: "A", code: "NOERROR", truncated: false },
  ...{ addresses: ["192.0.2.7", "2001:db8::7"], targets: ["cdn.shop.example.org"] },
};

test.each([
  ["udp", "127.77.53.1", "ipv4"],
  ["to", "127.77.53.2", "ipv4"],
  ["udp", "::1", "ipv6"],
  ["to", "::1", "ipv6"],
  ["tcp", "127.77.53.3", "ipv4"],
  ["tcp", "::1", "ipv6"],
  ["parts", "127.77.53.4", "ipv4"],
])("question and answer by %s of %s", async (way, server, family) => {
  await rig.demand("dns");
  const [truth] = rig.run<Asked>(ASK, way, server, "Shop.Example.org", "4660").truths;
  const stream = way === "tcp" || way === "parts";
  const events = await rig.events("dns", truth!.pid, stream ? 4 : 2);
  // the address that an unbound socket was given is gone with its datagram
  const saddr = way === "to" ? server.replace(/127.*/, "127.0.0.1") : truth!.saddr;
  const rest = {
    ...{ rung: "cgroup", process: { pid: truth!.pid, binary: ASK } },
    socket: { family, protocol: stream ? "tcp" : "udp", saddr, sport: truth!.sport, daddr: server, dport: 53 },
  };
  const pair = (id: number) => [
    { ...rest, answer: false, size: truth!.asked, dns: { id, ...QUESTION } },
    { ...rest, answer: true, size: truth!.answered, dns: { id, ...ANSWER } },
  ];
  expect(events).toMatchObject(stream ? [...pair(4660), ...pair(4661)] : pair(4660));
  // the server's side of the same messages is no second act
  expect(await rig.events("dns", truth!.server, 0)).toEqual([]);
});

test("what is no question is told as such; another server's is not, where one is asked for", async () => {
  const match = [{ field: "socket.daddr", op: "in" as const, values: ["127.77.53.5"] }];
  await rig.demand(rig.selector("dns", { match }));
  const [other] = rig.run<Asked>(ASK, "udp", "127.77.53.6", "x", "1").truths;
  const [truth] = rig.run<Asked>(ASK, "garbage", "127.77.53.5", "exfiltrated in pieces", "1").truths;
  const events = await rig.events("dns", truth!.pid, 2);
  expect(events).toMatchObject([
    { answer: false, size: truth!.asked, dns: null },
    { answer: true, size: truth!.answered, dns: null },
  ]);
  expect(await rig.events("dns", other!.pid, 0)).toEqual([]);
});

interface Sent {
  pid: number;
  result: number;
  size: number;
  socket: { saddr: string; sport: number };
}

test.each([
  ["to", "127.77.0.20", "ipv4", "127.77.0.20"],
  ["over", "127.77.0.20", "ipv4", "127.77.0.20"],
  ["message", "::1", "ipv6", "::1"],
  ["to", "::ffff:127.77.0.21", "ipv4", "127.77.0.21"],
])("datagrams by %s to %s: the first of a flow is told", async (way, address, family, daddr) => {
  await rig.demand("network_send");
  const [truth] = rig.run<Sent>(SOCKETS, "send", address, "5392", "123", "5", way).truths;
  const events = await rig.events("network_send", truth!.pid, 1);
  expect(events).toMatchObject([
    {
      ...{ rung: (await rig.hook("network_send")).rung, process: { pid: truth!.pid, binary: SOCKETS } },
      socket: { family, protocol: "udp", sport: truth!.socket.sport, daddr, dport: 5392 },
      ...{ size: 123, result: 0 },
    },
  ]);
  const { saddr } = events[0]!.socket;
  if ((await rig.hook("network_send")).rung === "cgroup" || way === "over")
    expect(saddr).toBe(family === "ipv6" ? "::1" : "127.0.0.1");
});

test("datagrams that are denied are EPERM, and told once", async () => {
  const match = [{ field: "socket.dport", op: "in" as const, values: [5393] }];
  await rig.demand("network_send", rig.selector("network_send", { id: "deny-send", action: "deny", match }));
  const [other] = rig.run<Sent>(SOCKETS, "send", "127.77.0.22", "5394", "7", "1", "to").truths;
  expect(other!.result).toBe(0);
  const [truth] = rig.run<Sent>(SOCKETS, "send", "127.77.0.22", "5393", "9", "3", "to").truths;
  expect(truth!.result).toBe(-1);
  const socket = { daddr: "127.77.0.22", dport: 5393, protocol: "udp" };
  expect(await rig.events("network_send", truth!.pid, 1)).toMatchObject([{ socket, size: 9, result: -1 }]);
  expect((await rig.events("denial", truth!.pid, 1))[0]).toMatchObject({ selector: "deny-send", socket });
});

test.each([
  ["17", "3", "768", "packet", "raw", 3],
  ["17", "2", "8", "packet", "dgram", 0x800],
  ["2", "3", "1", "ipv4", "raw", 1],
  ["10", "3", "58", "ipv6", "raw", 58],
  ["2", "3", "0", "ipv4", "raw", 0],
])("socket %s, %s, %s", async (family, type, protocol, familyName, typeName, told) => {
  await rig.demand("socket_create");
  const [truth] = rig.run<Sent>(SOCKETS, "create", family, type, protocol).truths;
  const [plain] = rig.run<Sent>(SOCKETS, "create", "2", "1", "0").truths;
  expect(await rig.events("socket_create", truth!.pid, 1)).toMatchObject([
    {
      ...{ rung: (await rig.hook("socket_create")).rung, process: { pid: truth!.pid, binary: SOCKETS } },
      ...{ raw: { family: familyName, type: typeName, protocol: told }, result: truth!.result },
    },
  ]);
  expect(await rig.events("socket_create", plain!.pid, 0)).toEqual([]);
});
