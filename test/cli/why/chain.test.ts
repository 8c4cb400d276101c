import { describe, expect, it } from "vitest";
import type { Alert } from "../../../bus/types/alert.ts";
import { plainPaint } from "../../../cli/output/paint.ts";
import type { EventView } from "../../../cli/output/event-view.ts";
import { traceChain } from "../../../cli/why/chain.ts";
import type { StoredDecision, StoredSelector, WhySource } from "../../../cli/why/chain.ts";
import { chainText } from "../../../cli/why/text.ts";

const exec: EventView = {
  ...{ id: "n/1/1/process_exec/7", kind: "process_exec", node: "n", time: "2026-01-01T00:00:00Z" },
  process: { binary: "/bin/bash", arguments: "-i" },
};
const because = { policy: "enforcement/contain", decision: "3", alert: "a1", event: exec.id, reason: "reverse-shell" };
const denial: EventView = {
  ...{ id: "n/1/1/denial/1", kind: "denial", node: "n", time: "2026-01-01T00:00:05Z", process: { binary: "/bin/ls" } },
  ...{ selector: "contain-1", policy: "enforcement/contain", hook: "process_exec", mode: "enforce", action: "deny" },
  ...{ rung: "tp_btf", count: 1, because },
};
const alert = {
  ...{
    id: "a1",
    rule: "reverse-shell",
    severity: "critical",
    title: "Reverse shell",
    message: "bash talks",
    node: "n",
  },
  ...{ first_time: exec.time, last_time: exec.time, count: 1, ruleset: "sha256:00", event: exec, tags: [] },
} as unknown as Alert;
const stored: StoredSelector = {
  ...{ key: "node.n.contain-1", node: "n", renewed_at: "2026-01-01T00:00:02Z", ttl: 600_000 },
  selector: {
    ...{ id: "contain-1", hook: "process_exec", action: "deny", mode: "enforce", priority: 0, rate: null },
    ...{ match: [], scope: { tree: "abc" }, because },
  },
};
const decision: StoredDecision = {
  ...{ id: "3", time: "2026-01-01T00:00:01Z", policy: "contain", decider: null },
  value: { action: "deny", hook: "process_exec", reason: "reverse-shell", because: { alert: "a1", event: exec.id } },
};

function source(less: Partial<WhySource> = {}): WhySource {
  return {
    event: (id) => Promise.resolve([exec, denial].find((event) => event.id === id)),
    alert: (id) => Promise.resolve(id === "a1" ? alert : undefined),
    decision: (id) => Promise.resolve(id === "3" ? decision : undefined),
    selectors: () => Promise.resolve([stored]),
    ...less,
  };
}

describe("why", () => {
  it.each([
    [denial.id, ["denial", "selector", "decision", "alert", "event", "rule"]],
    ["contain-1", ["selector", "decision", "alert", "event", "rule"]],
    ["node.n.contain-1", ["selector", "decision", "alert", "event", "rule"]],
    ["3", ["decision", "alert", "event", "rule"]],
    ["a1", ["alert", "event", "rule"]],
    [exec.id, ["event"]],
  ])("traces %s", async (id, whats) => {
    const chain = await traceChain(id, source());
    expect(chain?.links.map((link) => link.what)).toEqual(whats);
  });

  it("knows nothing of an id that is nowhere", async () => {
    expect(await traceChain("n/1/1/process_exec/8", source())).toBeUndefined();
    expect(await traceChain("nonsense", source())).toBeUndefined();
  });

  it("says what an alert led to", async () => {
    expect((await traceChain("a1", source()))?.led_to.map((it) => it.selector.id)).toEqual(["contain-1"]);
  });

  it("goes by what the denial says when all else is gone", async () => {
    const none = (): Promise<undefined> => Promise.resolve(undefined);
    const chain = await traceChain(
      denial.id,
      source({ selectors: () => Promise.resolve([]), decision: none, alert: none }),
    );
    expect(chain?.links.map((link) => [link.what, link.id])).toEqual([
      ["denial", denial.id],
      ["selector", "contain-1"],
      ["decision", "3"],
      ["alert", "a1"],
      ["event", exec.id],
    ]);
    expect(chainText(chain!, plainPaint)).toContain("or is no longer kept");
  });

  it("ends at the person who added a selector", async () => {
    const own = { ...stored, selector: { ...stored.selector, because: { person: "ada", reason: "drill" } } };
    const chain = await traceChain("contain-1", source({ selectors: () => Promise.resolve([own]) }));
    expect(chain?.links.at(-1)).toEqual({ what: "person", id: "ada", time: null, reason: "drill" });
  });

  it("prints the chain for people", async () => {
    const text = chainText((await traceChain(denial.id, source()))!, plainPaint);
    const lines = text.split("\n").map((line) => line.replace(/at \d\d:\d\d:\d\d/, "at hh:mm:ss"));
    expect(lines).toEqual([
      "denial n/1/1/denial/1 at hh:mm:ss.000 2026-01-01",
      "  ⛔ process n /bin/ls (killed at tp_btf, by enforcement/contain)",
      "└─ because of selector contain-1 at hh:mm:ss.000 2026-01-01",
      expect.stringMatching(/^ {5}deny process_exec \(enforce\), tree abc; on n, for 10 min from /) as string,
      "     reason: reverse-shell",
      "  └─ because of decision 3 at hh:mm:ss.000 2026-01-01",
      "       contain wants deny at process_exec: reverse-shell",
      "    └─ because of alert a1 at hh:mm:ss.000 2026-01-01",
      "         critical: bash talks",
      "      └─ because of event n/1/1/process_exec/7 at hh:mm:ss.000 2026-01-01",
      "           🚀 process n /bin/bash -i",
      "        └─ because of rule reverse-shell",
      "             Reverse shell",
      "             bash talks",
      "             rule set sha256:00",
    ]);
  });
});
