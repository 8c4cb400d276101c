import { beforeEach, expect, it } from "vitest";
import { Container, withCompose } from "../../../agent/containers/container.ts";
import { EventGate } from "../../../agent/containers/event-gate.ts";

let out: string[];
let gate: EventGate;
beforeEach(() => {
  out = [];
  gate = new EventGate((kind, time, members) => out.push(`${kind} ${time} ${members}`));
});

const facts = (id: string, name: string) => withCompose({ id, name, image: null, labels: {} });
const members = (n: number, container: Container) => `"n":${n},"container":${container.json}`;

it("events of a container that is being asked for wait in order; others pass", () => {
  const one = new Container("1");
  gate.add("exec", 1n, members(1, one), one);
  gate.add("exec", 2n, `"n":2`, null);
  gate.add("exit", 3n, members(3, one), one);
  expect(out).toEqual([`exec 2 "n":2`]);
  expect([gate.size, gate.oldest()]).toEqual([2, 1n]);
  one.become("known", facts("1", "web $&"), "a socket");
  gate.release(one);
  gate.add("exec", 4n, members(4, one), one);
  const container = `{"id":"1","known":true,"name":"web $&","image":null,"labels":{},"project":null,"service":null}`;
  expect(out.slice(1)).toEqual([
    `exec 1 "n":1,"container":${container}`,
    `exit 3 "n":3,"container":${container}`,
    `exec 4 "n":4,"container":${container}`,
  ]);
  expect([gate.size, gate.oldest()]).toEqual([0, undefined]);
  expect(gate.counters).toEqual({ waited: 2, unknown: 0, crowded: 0 });
});

it("what nobody knows goes out marked and counted", () => {
  const one = new Container("1");
  gate.add("exec", 1n, members(1, one), one);
  one.become("unknown", one.facts, "");
  gate.release(one);
  gate.add("exec", 2n, members(2, one), one);
  expect(out).toHaveLength(2);
  for (const line of out) expect(line).toContain(`"container":{"id":"1","known":false,"name":null`);
  expect(gate.counters).toEqual({ waited: 1, unknown: 2, crowded: 0 });
});

it("there is a bound to what waits: the container that has waited longest goes first", () => {
  const one = new Container("1");
  const two = new Container("2");
  gate.add("exec", 0n, members(0, one), one);
  for (let i = 1; i < 16_384; i++) gate.add("exec", BigInt(i), members(i, two), two);
  expect(out).toEqual([]);
  gate.add("exec", 20_000n, members(1, two), two);
  expect(out).toHaveLength(1);
  expect(gate.counters).toMatchObject({ crowded: 1, unknown: 1 });
  gate.flush();
  expect(out).toHaveLength(16_385);
  expect(gate.size).toBe(0);
});
