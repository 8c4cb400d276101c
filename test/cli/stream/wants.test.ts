import { expect, test } from "vitest";
import { holdDemand } from "../../../cli/stream/demand.ts";
import { type EventFilter, passes } from "../../../cli/stream/filter.ts";
import { wantsOfFilter } from "../../../cli/stream/wants.ts";
import { compileFormula } from "../../../bus/formula/verify.ts";
import { validateDemand } from "../../../bus/validate.ts";
import type { Demand } from "../../../bus/types/demand.ts";
import { randomOf } from "../../rules/lib/random.ts";

test("without kinds a reader wants the events of processes; what has to be asked for it names", () => {
  expect(Object.keys(wantsOfFilter({}, "r"))).toEqual(["process_exec", "process_exit"]);
  expect(wantsOfFilter({ kinds: ["file_open", "denial", "gap"] }, "r")).toEqual({
    file_open: { formula: true, for: ["r"] },
  });
});

test("what passes the reader's filter is wanted", () => {
  const random = randomOf(3);
  const binaries = ["/usr/bin/curl", "/bin/curl", "/opt/my curl", "/a/b.c", "curl", ""];
  const patterns = ["curl", "/usr/bin/curl", "c*", "*l", "/usr/*/curl", "/opt/*", "b.*", "*", "my*"];
  const containers = [
    null,
    { id: "abcdef0123", name: "web", service: "shop" },
    { id: "0123456789", name: null, service: null },
  ];
  const some = <T>(of: readonly T[]): T[] => Array.from({ length: random.below(3) }, () => random.pick(of));
  let passed = 0;
  for (let round = 0; round < 5000; round++) {
    const filter: EventFilter = {
      ...{ pids: some([1, 2]), binaries: some(patterns), nodes: some(["n", "m"]) },
      containers: some(["web", "shop", "abcd", "0123", "abc"]),
    };
    const event = {
      ...{ id: "", kind: "process_exec", node: random.pick(["n", "m"]), time: "" },
      process: { pid: random.pick([1, 2]), binary: random.pick(binaries), container: random.pick(containers) },
    };
    if (!passes(event, filter)) continue;
    // a base name is that of a path: what is none has no event
    if (!event.process.binary.startsWith("/")) continue;
    passed++;
    expect([filter, event, compileFormula(wantsOfFilter(filter, "r")["process_exec"]!.formula)(event)]).toEqual([
      filter,
      event,
      true,
    ]);
  }
  expect(passed).toBeGreaterThan(500);
});

test("a filter narrows what is wanted", () => {
  const wanted = compileFormula(wantsOfFilter({ binaries: ["curl"], pids: [7] }, "r")["process_exec"]!.formula);
  const process = (binary: string, pid: number) => wanted({ process: { binary, pid } });
  expect([process("/bin/curl", 7), process("/bin/curl", 8), process("/bin/wget", 7)]).toEqual([true, false, false]);
});

test("a reader says what it wants, says once when it cannot, and takes it back", async () => {
  const said: [string, Demand | null][] = [];
  const problems: string[] = [];
  let refuse = false;
  const bus = {
    putDemand: (id: string, demand: Demand) => {
      if (refuse) return Promise.reject(new Error("no permission"));
      said.push([id, validateDemand(demand)]);
      return Promise.resolve();
    },
    deleteDemand: (id: string) => {
      said.push([id, null]);
      return Promise.resolve();
    },
  };
  const release = await holdDemand(bus, { kinds: ["process_exit"], binaries: ["curl"] }, (it) => problems.push(it));
  await release();
  expect(said.map(([, demand]) => demand === null)).toEqual([false, true]);
  expect(said[0]![0]).toBe(said[1]![0]);
  expect(said[0]![1]!.wants["process_exit"]!.for[0]).toMatch(/^reader .*: process_exit of binary curl$/);
  refuse = true;
  await (
    await holdDemand(bus, {}, (it) => problems.push(it))
  )();
  expect(problems).toEqual(["no permission"]);
  expect(said).toHaveLength(3);
});
