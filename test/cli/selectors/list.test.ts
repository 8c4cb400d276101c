import { expect, it } from "vitest";
import { countersOf, type ListedEntry, listTable } from "../../../cli/selectors/list.ts";
import type { Selector } from "../../../bus/types/selector.ts";
import type { NodeStatus } from "../../../bus/types/status.ts";

const selector: Selector = {
  ...{ id: "no-tmp", hook: "process_exec", action: "deny", mode: "enforce", priority: 0, rate: null },
  ...{ match: [{ field: "process.binary", op: "prefix", values: ["/tmp/"] }], scope: {}, because: {} },
};
const entry: ListedEntry = {
  ...{ key: "all.no-tmp", node: null, id: "no-tmp", owner: "person", ttl: "none", ends: null },
  ...{ selector_count: 1, selectors: [selector] },
};

function node(hits: number, denied: number): NodeStatus {
  const counters = { hits, would_deny: 0, denied, undecided: 1, rate_limited: 2 };
  const selectors = [{ id: "no-tmp", entry: "all.no-tmp", mode: "enforce", deadline: null, counters }];
  return { selectors } as unknown as NodeStatus;
}

it("says what each selector has done, on all nodes together", () => {
  const counters = countersOf([node(5, 4), node(2, 1)]);
  const [head, row] = listTable([entry], [], new Date(0), counters).split("\n");
  expect(head!.split(/ {2,}/)).toEqual(
    expect.arrayContaining(["HITS", "DENIED", "WOULD DENY", "UNDECIDED", "RATE LIMITED"]),
  );
  expect(row).toMatch(/no-tmp .* 7 +5 +0 +2 +4 /);
});

it("shows nothing where no node has told yet", () => {
  expect(listTable([entry], [], new Date(0))).toMatch(/no end +- +- +- +- +- /);
});
