import { expect, test } from "vitest";
import { loadConfig } from "../../../bus/config/load.ts";
import { plainPaint } from "../../../cli/output/paint.ts";
import { statusView } from "../../../cli/status/view.ts";
import { welcome } from "../../../cli/up/welcome.ts";

const now = new Date("2026-01-01T00:00:01Z");
const bus = { url: "nats://127.0.0.1:4222", version: "2.15.2", streams: [] };
const node = {
  ...{ node: "web-1", time: "2026-01-01T00:00:00Z", boot: "6f3c", epoch: 1, kernel: "6.18", version: "0.1.0" },
  ...{ state: "running", applied_revision: 7, counters: {}, losses: {}, selectors: [], refused: [] },
  hooks: [
    { hook: "process_exec", rung: "tp_btf", attached: true, can_deny: true, detail: "lsm: EPERM" },
    { hook: "network_connect", rung: "cgroup", attached: false, can_deny: false, detail: "no cgroup v2" },
    { hook: "file_open", rung: "none", attached: false, can_deny: false, idle: true, detail: "attached when asked" },
  ],
};

/** The line of one of the rows. */
function row(name: string, changed: object = {}, flags = {}): string | undefined {
  const entries = [{ key: "node.web-1", value: { ...node, ...changed } }];
  const status = statusView(entries, bus, now);
  const lines = welcome(status, loadConfig({ node: "web-1", ...flags }, {}), plainPaint, "reeve");
  return lines.find((line) => line.startsWith(`  ${name} `))?.slice(10);
}

test("what is attached, what could not be, and how much waits", () => {
  expect(row("kernel")).toBe(
    "process_exec at tp_btf (can deny), network_connect missing: no cgroup v2, 1 more when they are asked for",
  );
  expect(row("kernel", { hooks: [] })).toBe("the agent has not said yet what is attached");
});

test("what policies do", () => {
  expect(row("mode")).toContain("monitor");
  expect(row("mode", {}, { enforce: true })).toContain("enforce: policies deny and kill");
  expect(row("mode", { state: "disarmed" }, { enforce: true })).toBe("disarmed: nothing is enforced (reeve arm)");
});
