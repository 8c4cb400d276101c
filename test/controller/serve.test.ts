import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadConfig } from "../../bus/config/load.ts";
import type { ControllerStatus } from "../../bus/types/controller-status.ts";
import { serveController } from "../../controller/serve.ts";
import { FakeBus, makeMessage, SILENT } from "./fake-bus.ts";

const FAKE_BUILD = fileURLToPath(new URL("ruleset/fake-build.mjs", import.meta.url));
const EVENT = "web-1/6f3c/12/process_exec/4711";
const decision = (change: object = {}): object => ({
  ...{ action: "deny", hook: "network_connect", scope: { tree: "abc" }, ttl: "10m", because: { event: EVENT } },
  ...change,
});
let root: string;
let bus: FakeBus;
let stopping: AbortController;
let running: Promise<void>;

function start(flags: Record<string, unknown> = {}): void {
  const config = loadConfig({ "rules.dirs": [join(root, "rules")], "rules.shipped": false, ...flags }, {}, null);
  const options = { buildCommand: [process.execPath, FAKE_BUILD], leaseMargin: 100, log: SILENT };
  running = serveController(bus, config, stopping.signal, options);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "reeve-test-"));
  mkdirSync(join(root, "rules"));
  writeFileSync(join(root, "rules", "a.yaml"), "one");
  bus = new FakeBus();
  stopping = new AbortController();
});

afterEach(async () => {
  stopping.abort();
  await running;
  rmSync(root, { recursive: true, force: true });
});

const status = (): ControllerStatus | undefined => bus.statuses.get("controller") as ControllerStatus | undefined;
const until = async (condition: () => boolean): Promise<void> => {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5_000, interval: 10 });
};

test("decisions, leases, control and rule set, and what the status says of them", async () => {
  start();
  await until(() => status()?.state === "running");
  bus.decide(makeMessage(decision(), { sequence: 1 }));
  bus.decide(makeMessage(decision(), { sequence: 2, time: Date.now() + 1 }));
  bus.decide(makeMessage("{", { sequence: 3 }));
  bus.decide(makeMessage(decision({ ttl: "1s", scope: { tree: "short" } }), { sequence: 4 }));
  await until(() => bus.desired.entries.size === 2);
  await until(() => bus.desired.entries.size === 1);
  await until(() => status()?.counters["leases_ended"] === 1 && status()?.ruleset.state === "live");
  expect(status()).toMatchObject({
    desired: { entries: 1, leases: 1, disarmed: [] },
    counters: { decisions_accepted: 2, decisions_renewed: 1, decisions_refused: 1, refused_malformed: 1 },
    refused: [{ sequence: 3, code: "malformed" }],
    ruleset: { state: "live", errors: [] },
  });
  bus.statuses.set("node.web-1", { state: "running" });
  bus.statuses.set("engine.e1", { ruleset: "sha256:1", rules: [{ id: "r" }] });
  expect(await bus.handlers["status"]?.({})).toMatchObject({
    controller: { state: "running" },
    nodes: { "web-1": { state: "running" } },
    engines: { e1: { ruleset: "sha256:1" } },
  });
  expect(await bus.handlers["rules.list"]?.({})).toMatchObject({ rules: [{ id: "r", engines: ["e1"] }] });
  expect(await bus.handlers["rules.status"]?.({})).toMatchObject({ engines: [{ name: "e1", digest: "sha256:1" }] });
  await expect(bus.handlers["rules.push"]?.({ digest: "x" })).rejects.toMatchObject({ code: "invalid_request" });
  stopping.abort();
  await running;
  expect(status()?.state).toBe("stopping");
});

test("the mode of a decision that names none follows `enforce`", async () => {
  start({ enforce: true });
  bus.decide(makeMessage(decision()));
  bus.decide(makeMessage(decision({ mode: "monitor", scope: { tree: "m" } }), { sequence: 2 }));
  await until(() => bus.desired.entries.size === 2);
  const modes = [...bus.desired.entries.values()].map(({ entry }) => entry.selectors[0]?.mode);
  expect(modes).toEqual(["enforce", "monitor"]);
});

test("a decider's caps come from the configuration", async () => {
  start({ "controller.deciders": { opa: { fleet: true, max_ttl: "1m" } } });
  const fleet = decision({ fleet: true, ttl: "10m" });
  bus.decide(makeMessage(fleet, { subject: "reeve.decisions.opa.p", sequence: 1 }));
  bus.decide(makeMessage(fleet, { subject: "reeve.decisions.other.p", sequence: 2 }));
  bus.decide(makeMessage(fleet, { subject: "reeve.decisions.constructor.p", sequence: 3 }));
  await until(() => status()?.counters["decisions_refused"] === 2);
  expect([...bus.desired.entries].map(([key, { entry }]) => [key.slice(0, 6), entry.ttl])).toEqual([
    ["all.p-", 60_000],
  ]);
  expect(status()?.counters).toMatchObject({ refused_caps_exceeded: 2, leases_shortened: 1 });
});

test("entries that cannot be read are in the status until somebody repairs them", async () => {
  start();
  bus.desired.malform("all.bad", "is no JSON");
  await until(() => status()?.malformed[0]?.reason === "is no JSON");
});
