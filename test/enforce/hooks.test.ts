import { afterAll, beforeAll, expect, it } from "vitest";
import { HOOKS } from "../../bus/types/selector.ts";
import { connectScript, Host, selector } from "./host.ts";

let host: Host;
beforeAll(() => {
  host = new Host({ hooks: HOOKS.map((hook) => ({ hook, rung: "test", actions: ["deny", "post"] })) });
});
afterAll(() => host[Symbol.asyncDispose]());

it("every hook can have selectors at once, each decides by its own, and what they took serves others afterwards", async () => {
  const on = (hook: (typeof HOOKS)[number]) => selector({ hook, action: "post", scope: { cgroup: host.cgroup } });
  const deny = (port: number) =>
    selector({
      hook: "network_connect",
      scope: { cgroup: host.cgroup },
      match: [{ field: "socket.dport", op: "in", values: [port] }],
    });
  const tries = async () =>
    [await host.run(connectScript("127.0.0.1", 7)), await host.run(connectScript("127.0.0.1", 9))].map(
      ({ out }) => out,
    );
  const others = HOOKS.filter((hook) => hook !== "network_connect").map(on);
  const [seven, nine] = [deny(7), deny(9)];
  expect(host.tables.apply(1, [seven])).toMatchObject({ refused: [] });
  expect(await tries()).toEqual(["EPERM", "ok"]);
  const few = host.tables.innerMaps().length;
  expect(host.tables.apply(2, [...others, seven, nine])).toMatchObject({ refused: [], applied: HOOKS.length + 1 });
  expect(await tries()).toEqual(["EPERM", "EPERM"]);
  const many = host.tables.innerMaps().length;
  expect(many).toBeGreaterThanOrEqual(few);
  for (let round = 3; round < 9; round++) {
    // those that come get what those that go had
    host.tables.apply(round, [
      ...others.filter((_, index) => (index + round) % 2 === 0),
      round % 2 === 0 ? seven : nine,
    ]);
    expect(await tries()).toEqual(round % 2 === 0 ? ["EPERM", "ok"] : ["ok", "EPERM"]);
  }
  expect(host.tables.innerMaps().length).toBe(many);
  host.tables.apply(9, []);
  expect(await tries()).toEqual(["ok", "ok"]);
  expect(host.tables.counts()).toMatchObject({ broken: 0, no_memory: 0 });
});
