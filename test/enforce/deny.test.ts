import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bootNow, connectScript, Host, selector } from "./host.ts";

let host: Host;
beforeAll(() => {
  host = new Host();
});
beforeEach(() => host.reopen({}));
afterAll(() => host[Symbol.asyncDispose]());

describe("deny at exec", () => {
  it("kills before the first instruction, in the scope only, until the lease ends", async () => {
    const touch = host.copy("/usr/bin/touch", "bin/touch");
    const deny = selector({
      hook: "process_exec",
      scope: { cgroup: host.cgroup },
      match: [{ field: "process.binary", op: "prefix", values: [`${host.directory}/bin/`] }],
    });
    const marker = join(host.directory, "marker");
    expect(host.tables.apply(1, [deny])).toMatchObject({ applied: 1, refused: [] });
    expect(await host.run(`exec ${touch} ${marker}`)).toMatchObject({ signal: "SIGKILL" });
    expect(existsSync(marker)).toBe(false);
    expect(await host.run(`exec /bin/true`)).toMatchObject({ code: 0 });
    expect(await host.run(`exec ${touch} ${marker}-outside`, "/")).toMatchObject({ code: 0 });
    expect(existsSync(`${marker}-outside`)).toBe(true);
    expect(host.tables.counters()).toMatchObject([
      { id: deny.selector.id, hits: 1, denied: 1, would_deny: 0, undecided: 0 },
    ]);

    host.tables.apply(2, [{ ...deny, deadline: bootNow() + 700_000_000n }]);
    expect(await host.run(`exec ${touch} ${marker}`)).toMatchObject({ signal: "SIGKILL" });
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(await host.run(`exec ${touch} ${marker}`)).toMatchObject({ code: 0 });
    expect(existsSync(marker)).toBe(true);
  });

  it("only counts in mode monitor, and a monitoring selector of higher priority masks no enforcing one", async () => {
    const scope = { cgroup: host.cgroup };
    const watch = selector({
      hook: "process_exec",
      scope,
      mode: "monitor",
      priority: 10,
      match: [{ field: "process.binary", op: "suffix", values: ["/true"] }],
    });
    host.tables.apply(1, [watch]);
    expect(await host.run("exec /bin/true")).toMatchObject({ code: 0 });
    expect(host.tables.counters()).toMatchObject([{ hits: 1, would_deny: 1, denied: 0 }]);
    const deny = selector({
      hook: "process_exec",
      scope,
      match: [{ field: "process.binary", op: "suffix", values: ["/true"] }],
    });
    host.tables.apply(2, [watch, deny]);
    expect(await host.run("exec /bin/true")).toMatchObject({ signal: "SIGKILL" });
    expect(host.tables.counters()).toMatchObject([
      { hits: 2, would_deny: 2 },
      { hits: 1, denied: 1 },
    ]);
  });

  it("matches by parent, uid and several predicates on one field", async () => {
    const shell = host.copy("/bin/sh", "shells/sh");
    const match = (field: string, op: "in" | "prefix" | "notPrefix" | "notIn", ...values: (string | number)[]) => ({
      field,
      op,
      values,
    });
    const deny = selector({
      hook: "process_exec",
      scope: { cgroup: host.cgroup },
      match: [
        match("parent.binary", "in", shell),
        match("process.binary", "prefix", "/usr/"),
        match("process.binary", "notPrefix", "/usr/bin/id", "/usr/sbin/"),
        match("process.uid", "in", 0),
      ],
    });
    host.tables.apply(1, [deny]);
    expect(await host.run(`${shell} -c '/usr/bin/true; echo $?; /usr/bin/id -u; :'`)).toMatchObject({ out: "137\n0" });
    expect(await host.run(`/usr/bin/true; echo $?`)).toMatchObject({ out: "0" });
    expect(await host.run(`setpriv --reuid 1234 ${shell} -c '/usr/bin/true; echo $?'`)).toMatchObject({ out: "0" });
  });
});

describe("deny at connect", () => {
  it("is EPERM for IPv4, IPv6 and IPv4 in IPv6, for what the selector says only", async () => {
    const deny = selector({
      hook: "network_connect",
      scope: { cgroup: host.cgroup },
      match: [
        { field: "socket.daddr", op: "cidr", values: ["127.9.0.0/16", "::1/128"] },
        { field: "socket.dport", op: "range", values: [[9000, 9010]] },
      ],
    });
    host.tables.apply(1, [deny]);
    const tries: [string, number, string][] = [
      ["127.9.1.1", 9000, "EPERM"],
      ["127.9.1.1", 9010, "EPERM"],
      ["127.9.1.1", 9011, "ok"],
      ["127.8.1.1", 9000, "ok"],
      ["::1", 9005, "EPERM"],
      ["::1", 8999, "ok"],
      ["::ffff:127.9.0.1", 9001, "EPERM"],
      ["::", 9001, "EPERM"],
    ];
    for (const [address, port, expected] of tries)
      expect([address, port, (await host.run(connectScript(address, port))).out]).toEqual([address, port, expected]);
    expect((await host.run(connectScript("127.9.1.1", 9000, "tcp"))).out).toBe("EPERM");
    expect(host.tables.counters()).toMatchObject([{ hits: 6, denied: 6 }]);
    host.tables.disarm();
    expect((await host.run(connectScript("127.9.1.1", 9000))).out).toBe("ok");
  });

  it("kill also kills", async (context) => {
    context.skip(!host.canKillAtConnect, "this kernel lets connect programs send no signals");
    const scope = { cgroup: host.cgroup };
    host.tables.apply(1, [
      selector({
        hook: "network_connect",
        action: "kill",
        scope,
        match: [{ field: "socket.dport", op: "in", values: [9] }],
      }),
    ]);
    expect(await host.run(connectScript("127.0.0.1", 9))).toMatchObject({ signal: "SIGKILL", out: "" });
  });
});
