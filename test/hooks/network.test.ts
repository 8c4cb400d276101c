import { afterAll, beforeAll, expect, test } from "vitest";
import { buildProgram } from "../programs/build.ts";
import { HookRig } from "./rig.ts";

const SOCKETS = buildProgram("sockets");

interface End {
  saddr: string;
  sport: number;
}

interface Ends extends End {
  daddr: string;
  dport: number;
}

interface Conversation {
  pid: number;
  tid: number;
  result: number;
  sent: number;
  received: number;
  backlog: number;
  client: Ends;
  served: Ends;
  listener: End;
  least_ns: number;
  most_ns: number;
}

let rig: HookRig;
beforeAll(async () => {
  rig = await HookRig.start("network");
});
afterAll(() => rig.stop());

/** An address to bind to that is no other test's, and what a socket of it is. */
const FAMILIES = [
  ["127.77.0.1", "127.77.0.1", "ipv4"],
  ["::1", "::1", "ipv6"],
  ["::ffff:127.77.0.2", "127.77.0.2", "ipv4"],
] as const;

test.each(FAMILIES)("a conversation over %s: accepted, and closed at both ends", async (address, canonical, family) => {
  await rig.demand("network_accept", "network_close");
  const [truth] = rig.run<Conversation>(SOCKETS, "converse", address, "300000", "70001", "120").truths;
  expect(truth!.client.daddr).toBe(canonical);
  const socket = { family, protocol: "tcp" };
  expect(await rig.events("network_accept", truth!.pid, 1)).toMatchObject([
    {
      rung: (await rig.hook("network_accept")).rung,
      process: { pid: truth!.pid, binary: SOCKETS },
      parent: { binary: expect.stringContaining("node") },
      socket: { ...socket, ...truth!.served },
    },
  ]);
  const closes = await rig.events("network_close", truth!.pid, 2);
  expect(closes).toMatchObject([
    {
      ...{ rung: (await rig.hook("network_close")).rung, process: { pid: truth!.pid, binary: SOCKETS } },
      ...{ socket: { ...socket, ...truth!.client }, sent: 300_000, received: 70_001 },
    },
    { socket: { ...socket, ...truth!.served }, sent: 70_001, received: 300_000 },
  ]);
  for (const { duration_ns } of closes) {
    expect(duration_ns).toBeGreaterThanOrEqual(truth!.least_ns);
    expect(duration_ns).toBeLessThanOrEqual(truth!.most_ns);
  }
});

test("a process's end closes what it has open; who asks for one port is told of no other", async () => {
  const port = (socket: string) => [{ field: "socket.dport", op: "notIn" as const, values: [Number(socket)] }];
  await rig.demand(rig.selector("network_close", { match: port("1") }));
  const [truth] = rig.run<Conversation>(SOCKETS, "linger", "127.77.0.3", "12345").truths;
  const closes = await rig.events("network_close", truth!.pid, 2);
  const bySent = closes.toSorted((a, b) => a.sent - b.sent);
  expect(bySent).toMatchObject([
    { socket: truth!.served, sent: 0, received: 12345, process: { pid: truth!.pid, binary: SOCKETS } },
    { socket: truth!.client, sent: 12345, received: 0 },
  ]);
  await rig.demand(
    rig.selector("network_close", { match: [{ field: "socket.saddr", op: "cidr", values: ["127.77.0.4/32"] }] }),
  );
  const [other] = rig.run<Conversation>(SOCKETS, "converse", "127.77.0.3", "1", "1", "0").truths;
  const [seen] = rig.run<Conversation>(SOCKETS, "converse", "127.77.0.4", "1", "1", "0").truths;
  // the client's end has the loopback's own address
  expect(await rig.events("network_close", seen!.pid, 1)).toMatchObject([{ socket: seen!.served }]);
  expect(await rig.events("network_close", other!.pid, 0)).toEqual([]);
});

interface Bound {
  pid: number;
  result: number;
  socket: End;
}

test.each([
  ["udp", "127.77.0.5", 0, "ipv4", "127.77.0.5"],
  ["tcp", "127.77.0.5", 5377, "ipv4", "127.77.0.5"],
  ["tcp", "::1", 5377, "ipv6", "::1"],
  ["udp", "::ffff:127.77.0.6", 5378, "ipv4", "127.77.0.6"],
  ["tcp", "192.0.2.77", 5379, "ipv4", "192.0.2.77"],
])("bind of %s to %s port %i", async (protocol, address, port, family, canonical) => {
  await rig.demand("network_bind");
  const [truth] = rig.run<Bound>(SOCKETS, "bind", protocol, address, String(port)).truths;
  const failed = address === "192.0.2.77";
  expect(truth!.result).toBe(failed ? -99 : 0);
  const socket = { family, protocol, saddr: canonical, sport: failed ? port : truth!.socket.sport };
  if (!failed) expect(truth!.socket).toEqual({ saddr: canonical, sport: socket.sport });
  expect(socket.sport).toBeGreaterThan(0);
  const { rung } = await rig.hook("network_bind");
  expect(await rig.events("network_bind", truth!.pid, 1)).toMatchObject([
    { rung, process: { pid: truth!.pid, binary: SOCKETS }, socket, result: truth!.result },
  ]);
});

test("a bind that is denied is told, and its socket is not bound", async () => {
  const match = [
    { field: "socket.sport", op: "in" as const, values: [5380] },
    { field: "socket.saddr", op: "cidr" as const, values: ["127.77.1.0/24", "::1/128"] },
    { field: "socket.protocol", op: "in" as const, values: ["tcp"] },
  ];
  const deny = rig.selector("network_bind", { id: "deny-bind", action: "deny", match });
  const { refused } = await rig.demand("network_bind", deny);
  const { can_deny } = await rig.hook("network_bind");
  expect(refused).toHaveLength(can_deny ? 0 : 1);
  const tries: [string, string, number, boolean][] = [
    ["tcp", "127.77.1.1", 5380, true],
    ["tcp", "::1", 5380, true],
    ["udp", "127.77.1.1", 5380, false],
    ["tcp", "127.77.2.1", 5380, false],
    ["tcp", "127.77.1.1", 5381, false],
  ];
  for (const [protocol, address, port, denied] of tries) {
    const [truth] = rig.run<Bound>(SOCKETS, "bind", protocol, address, String(port)).truths;
    const result = denied && can_deny ? -1 : 0;
    expect([address, port, truth!.result]).toEqual([address, port, result]);
    const socket = { protocol, saddr: address, sport: port };
    expect(await rig.events("network_bind", truth!.pid, 1)).toMatchObject([{ result, socket }]);
    const denials = await rig.events("denial", truth!.pid, result ? 1 : 0);
    expect(denials).toMatchObject(result ? [{ selector: "deny-bind", hook: "network_bind", socket }] : []);
  }
});

interface Listening extends Bound {
  second: number;
}

test("listen: bound before or not, and one that fails", async () => {
  await rig.demand("network_listen");
  const { rung } = await rig.hook("network_listen");
  for (const [address, canonical, family, backlog] of [
    ["127.77.0.7", "127.77.0.7", "ipv4", 17],
    ["-", "0.0.0.0", "ipv4", 18],
    ["::1", "::1", "ipv6", 19],
  ] as const) {
    const [truth] = rig.run<Listening>(SOCKETS, "listen", address, String(backlog)).truths;
    expect(truth).toMatchObject({ result: 0, second: -95, socket: { saddr: canonical } });
    const events = await rig.events("network_listen", truth!.pid, 1);
    expect(events[0]).toMatchObject({
      ...{ rung, process: { pid: truth!.pid, binary: SOCKETS }, result: 0, backlog },
      socket: { family, protocol: "tcp", ...truth!.socket },
    });
    // only the system call's end tells of what never came to the protocol
    if (rung === "sys_exit")
      expect((await rig.events("network_listen", truth!.pid, 2))[1]).toMatchObject({
        ...{ result: -95, backlog: 5, socket: { protocol: "udp", saddr: "0.0.0.0", sport: 0 } },
      });
  }
});

test.each([
  ["tcp", "127.77.0.8", 9, "ipv4", "127.77.0.8"],
  ["udp", "127.77.0.8", 5391, "ipv4", "127.77.0.8"],
  ["udp", "::1", 5391, "ipv6", "::1"],
  ["udp", "0.0.0.0", 5391, "ipv4", "127.0.0.1"],
  ["udp", "::ffff:127.77.0.9", 5391, "ipv4", "127.77.0.9"],
  ["fastopen", "127.77.0.8", 9, "ipv4", "127.77.0.8"],
])("connect by %s to %s port %i", async (way, address, port, family, daddr) => {
  await rig.demand("network_connect");
  const { rung } = await rig.hook("network_connect");
  const [truth] = rig.run<Bound & { socket: Ends }>(SOCKETS, "connect", way, address, String(port)).truths;
  const connected = way === "udp";
  expect(truth!.result).toBe(connected ? 0 : -111);
  if (connected) expect(truth!.socket).toMatchObject({ daddr, dport: port });
  const [event, ...more] = await rig.events("network_connect", truth!.pid, 1);
  const protocol = connected ? "udp" : "tcp";
  expect(event).toMatchObject({
    ...{ rung, process: { pid: truth!.pid, binary: SOCKETS } },
    socket: { family, protocol, daddr, dport: port, ...(connected ? truth!.socket : {}) },
    // the end of a connection that its first data open is not seen by all
    result: way === "fastopen" && rung !== "cgroup" ? null : truth!.result,
  });
  expect(more).toEqual([]);
});

test("a conversation's connect is told with both ends, and denied with EPERM where a selector says so", async () => {
  const match = [{ field: "socket.daddr", op: "in" as const, values: ["127.77.0.10"] }];
  await rig.demand("network_connect", rig.selector("network_connect", { id: "deny-connect", action: "deny", match }));
  const [truth] = rig.run<Conversation>(SOCKETS, "converse", "127.77.0.11", "1", "1", "0").truths;
  expect(await rig.events("network_connect", truth!.pid, 1)).toMatchObject([
    { socket: { ...truth!.client, family: "ipv4", protocol: "tcp" }, result: 0 },
  ]);
  const [denied] = rig.run<Bound>(SOCKETS, "connect", "tcp", "127.77.0.10", "9").truths;
  expect(denied!.result).toBe(-1);
  const socket = { family: "ipv4", protocol: "tcp", daddr: "127.77.0.10", dport: 9 };
  expect(await rig.events("network_connect", denied!.pid, 1)).toMatchObject([{ socket, result: -1 }]);
  expect(await rig.events("denial", denied!.pid, 1)).toMatchObject([{ selector: "deny-connect", socket }]);
});

test("a listen that is denied is told where the kernel can deny it; elsewhere the selector is refused", async () => {
  const match = [{ field: "socket.saddr", op: "in" as const, values: ["127.77.0.12"] }];
  const deny = rig.selector("network_listen", { id: "deny-listen", action: "deny", match });
  const { refused } = await rig.demand("network_listen", deny);
  const { can_deny } = await rig.hook("network_listen");
  expect(refused).toHaveLength(can_deny ? 0 : 1);
  const [other] = rig.run<Listening>(SOCKETS, "listen", "127.77.0.13", "3").truths;
  const [truth] = rig.run<Listening>(SOCKETS, "listen", "127.77.0.12", "3").truths;
  expect([other!.result, truth!.result]).toEqual([0, can_deny ? -1 : 0]);
  const socket = { protocol: "tcp", ...truth!.socket };
  const [event] = await rig.events("network_listen", truth!.pid, 1);
  expect(event).toMatchObject({ result: truth!.result, backlog: 3, socket });
  const denials = await rig.events("denial", truth!.pid, can_deny ? 1 : 0);
  expect(denials).toMatchObject(can_deny ? [{ selector: "deny-listen", hook: "network_listen", socket }] : []);
});
