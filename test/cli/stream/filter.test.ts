import { describe, expect, it } from "vitest";
import { passes } from "../../../cli/stream/filter.ts";
import type { EventFilter } from "../../../cli/stream/filter.ts";

const event = {
  ...{ id: "x", kind: "process_exec", node: "web-1", time: "" },
  process: { pid: 42, binary: "/usr/bin/curl", container: { id: "3f".repeat(32), name: "shop", service: "shop-web" } },
};

describe("event filters", () => {
  it.each<[EventFilter, boolean]>([
    [{}, true],
    [{ kinds: [] }, true],
    [{ kinds: ["process_exit", "process_exec"] }, true],
    [{ kinds: ["process_exit"] }, false],
    [{ pids: [42], nodes: ["web-1"] }, true],
    [{ pids: [42], nodes: ["web-2"] }, false],
    [{ binaries: ["/usr/bin/curl"] }, true],
    [{ binaries: ["curl"] }, true],
    [{ binaries: ["/bin/curl"] }, false],
    [{ binaries: ["/usr/*"] }, true],
    [{ binaries: ["cur?"] }, false],
    [{ containers: ["shop"] }, true],
    [{ containers: ["shop-web"] }, true],
    [{ containers: ["3f3f"] }, true],
    [{ containers: ["3f"] }, false],
  ])("%j: %s", (filter, expected) => expect(passes(event, filter)).toBe(expected));

  it("lets nothing without a process through a filter on processes", () => {
    expect(passes({ ...event, process: null }, { binaries: ["*"] })).toBe(false);
  });
});
