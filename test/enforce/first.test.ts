import { readdirSync, readlinkSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Host, selector } from "./host.ts";

let host: Host;
beforeEach(() => {
  host = new Host();
});
afterEach(() => host[Symbol.asyncDispose]());

/** Maps that this process holds. */
const maps = (): number =>
  readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:bpf-map";
    } catch {
      return false; // the directory's own descriptor
    }
  }).length;

it("the first selectors find their tables made: making one waits for the kernel, and a first decision must not", () => {
  const before = maps();
  for (let round = 0; round < 3; round++) {
    const { refused } = host.tables.apply(round, [
      selector({
        hook: "process_exec",
        scope: { cgroup: host.cgroup },
        match: [{ field: "process.binary", op: "prefix", values: [`/nowhere/${round}/`] }],
      }),
      selector({
        hook: "network_connect",
        scope: { cgroup: host.cgroup },
        match: [
          { field: "socket.dport", op: "in", values: [round + 1] },
          { field: "socket.daddr", op: "cidr", values: ["10.0.0.0/8"] },
        ],
      }),
    ]);
    expect(refused).toEqual([]);
    // No more than before: the entries of what is in force take the place of the last ones.
    expect(maps()).toBe(before);
  }
});
