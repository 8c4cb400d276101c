import { describe, expect, it } from "vitest";
import { compactLine, sourceOf } from "../../../cli/output/compact.ts";
import type { EventView } from "../../../cli/output/event-view.ts";
import { colourPaint, plainPaint } from "../../../cli/output/paint.ts";

const base = { id: "web-1/6f3c/12/x/1", node: "web-1", time: "2026-11-22T10:00:00.123456789Z" };
const curl = { pid: 42, binary: "/usr/bin/curl", arguments: "https://example.com" };
const socket = { protocol: "tcp", daddr: "104.198.14.52", dport: 443, saddr: "10.32.0.19", sport: 33978 };
const denied = { ...base, kind: "denial", process: curl, selector: "s1", policy: "enforcement/contain", count: 1 };

const LINES: [string, EventView, string][] = [
  ["an exec", { ...base, kind: "process_exec", process: curl }, "🚀 process web-1 /usr/bin/curl https://example.com"],
  [
    "an exec without arguments, in a pod",
    {
      ...base,
      kind: "process_exec",
      process: { ...curl, arguments: "", pod: { namespace: "default", name: "xwing" } },
    },
    "🚀 process default/xwing /usr/bin/curl",
  ],
  [
    "an exit with a status",
    { ...base, kind: "process_exit", process: curl, status: 60, signal: null },
    "💥 exit    web-1 /usr/bin/curl https://example.com 60",
  ],
  [
    "an exit by a signal",
    { ...base, kind: "process_exit", process: { ...curl, arguments: "" }, status: 0, signal: "SIGKILL" },
    "💥 exit    web-1 /usr/bin/curl SIGKILL",
  ],
  [
    "a connect that was denied",
    { ...denied, hook: "network_connect", mode: "enforce", action: "deny", rung: "cgroup", socket },
    "⛔ connect web-1 /usr/bin/curl tcp 10.32.0.19:33978 -> 104.198.14.52:443 (denied at cgroup, by enforcement/contain)",
  ],
  [
    "a connect that would have been denied, over IPv6, several times",
    {
      ...{ ...denied, hook: "network_connect", mode: "monitor", action: "deny", rung: "cgroup", count: 12 },
      socket: { protocol: "udp", daddr: "2001:db8::1", dport: 53 },
    },
    "🔶 connect web-1 /usr/bin/curl udp -> [2001:db8::1]:53 (would deny: monitor mode, by enforcement/contain, 12 times)",
  ],
  [
    "an exec that was killed",
    { ...denied, hook: "process_exec", mode: "enforce", action: "deny", rung: "tp_btf", socket: null },
    "⛔ process web-1 /usr/bin/curl https://example.com (killed at tp_btf, by enforcement/contain)",
  ],
  [
    "an exec that was denied before it happened",
    {
      ...{ ...denied, hook: "process_exec", mode: "enforce", action: "deny", rung: "lsm", socket: null },
      file: { path: "/tmp/x", flags: ["O_RDONLY"] },
    },
    "⛔ process web-1 /usr/bin/curl /tmp/x (denied at lsm, by enforcement/contain)",
  ],
  [
    "an opened file",
    { ...base, kind: "file_open", process: curl, file: { path: "/etc/hosts", flags: ["O_RDONLY", "O_CLOEXEC"] } },
    "📬 open    web-1 /usr/bin/curl /etc/hosts O_RDONLY|O_CLOEXEC",
  ],
  [
    "an open that was denied",
    {
      ...{ ...denied, hook: "file_open", mode: "enforce", action: "deny", rung: "lsm" },
      file: { path: "/etc/shadow", flags: ["O_RDONLY"] },
    },
    "⛔ open    web-1 /usr/bin/curl /etc/shadow (denied at lsm, by enforcement/contain)",
  ],
  [
    "a gap",
    {
      ...{ ...base, kind: "gap", from: "2026-11-22T10:00:00Z", to: "2026-11-22T10:00:02Z" },
      ...{ kinds: ["process_exec"], count: 753, reason: "ring_overflow" },
    },
    "🧩 gap     web-1 753 events of process_exec lost within 2.0 s: ring_overflow",
  ],
  [
    "a gap of unknown size",
    { ...base, kind: "gap", from: "x", to: "y", kinds: [], count: null, reason: "agent_restart" },
    "🧩 gap     web-1 an unknown number of events of all kinds lost: agent_restart",
  ],
  ["a kind of a later version", { ...base, kind: "of_tomorrow", process: curl }, "❓ of_tomorrow web-1 /usr/bin/curl"],
  [
    "a rename",
    { ...base, kind: "file_rename", process: curl, file: { path: "/a" }, new_file: { path: "/b" } } as EventView,
    "🚚 rename  web-1 /usr/bin/curl /a -> /b",
  ],
  [
    "what would move the cursor",
    { ...base, kind: "process_exec", process: { binary: "/tmp/\u001b[2Jx", arguments: "a\nb \u202eevil" } },
    String.raw`🚀 process web-1 /tmp/\x1b[2Jx a\nb \u202eevil`,
  ],
];

describe("the compact line", () => {
  it.each(LINES)("says %s", (_name, event, line) => {
    expect(compactLine(event, plainPaint)).toBe(line);
  });

  it("marks CAP_SYS_ADMIN at column 120", () => {
    const process = { ...curl, cap: { effective: ["CAP_SYS_ADMIN"] } };
    const line = compactLine({ ...base, kind: "process_exec", process }, plainPaint);
    expect(line.indexOf("🛑")).toBe(120);
    expect(line.endsWith("🛑 CAP_SYS_ADMIN")).toBe(true);
  });

  it("colours event, source, binary and detail apart", () => {
    const line = compactLine({ ...base, kind: "process_exit", process: curl, status: 1 }, colourPaint);
    expect(line).toBe(
      "💥 \u001b[34mexit   \u001b[39m \u001b[32mweb-1\u001b[39m \u001b[35m/usr/bin/curl\u001b[39m \u001b[36mhttps://example.com\u001b[39m \u001b[31m1\u001b[39m",
    );
  });

  it.each([
    [{ pod: { namespace: "shop", name: "web" }, container: { id: "3f", name: "c" } }, "shop/web"],
    [{ container: { id: "3f".repeat(32), name: "shop-web-1" } }, "shop-web-1"],
    [{ container: { id: "3f".repeat(32), name: null } }, "3f3f3f3f3f3f"],
    [{}, "web-1"],
  ])("names the source of %j", (process, source) => {
    expect(sourceOf({ node: "web-1", process })).toBe(source);
  });
});
