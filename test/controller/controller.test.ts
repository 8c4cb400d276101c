import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AgentBus } from "../../bus/clients/agent.ts";
import { DeciderBus } from "../../bus/clients/decider.ts";
import { EngineBus } from "../../bus/clients/engine.ts";
import { OperatorBus } from "../../bus/clients/operator.ts";
import type { BusConnection } from "../../bus/connection.ts";
import { store } from "../../bus/jetstream.ts";
import { RuleSets } from "../../bus/rule-sets.ts";
import { DesiredStore } from "../../bus/desired-store.ts";
import type { ControllerStatus } from "../../bus/types/controller-status.ts";
import type { Decision } from "../../bus/types/decision.ts";
import { runController } from "../../controller/main.ts";
import { startBus, type TestBus, until } from "../bus/harness.ts";

const FAKE_BUILD = [process.execPath, fileURLToPath(new URL("ruleset/fake-build.mjs", import.meta.url))];
const REAL_BUILD = [process.execPath, fileURLToPath(new URL("../../cli/main.ts", import.meta.url)), "rules", "build"];
const EVENT = "web-1/6f3c/12/process_exec/4711";
let root: string;
let bus: TestBus;
let engine: EngineBus;
let operator: OperatorBus;
let operatorConnection: BusConnection;
let stopping: AbortController | null;
let running: Promise<void>;

function start(options: { buildCommand?: string[]; shipped?: boolean } = {}): void {
  stopping = new AbortController();
  const { rules } = bus.config;
  const config = {
    ...bus.config,
    rules: { ...rules, dirs: [join(root, "rules")], shipped: options.shipped ?? false },
    log: { ...bus.config.log, level: "silent" as const },
  };
  const buildCommand = options.buildCommand ?? FAKE_BUILD;
  running = runController(config, stopping.signal, { buildCommand, leaseMargin: 100 });
}

async function stop(): Promise<void> {
  stopping?.abort();
  stopping = null;
  await running;
}

const decision = (tree: string, change: Partial<Decision> = {}): Decision => ({
  ...{ action: "deny", hook: "network_connect", scope: { tree }, ttl: "10m", because: { event: EVENT } },
  ...change,
});
const decide = async (...args: Parameters<typeof decision>): Promise<void> =>
  await engine.publishDecision("enforcement.contain", decision(...args), randomUUID());
const entries = async (tree: string): ReturnType<DesiredStore["list"]> =>
  (await new DesiredStore(operatorConnection).list()).filter(({ entry }) => entry?.selectors[0]?.scope.tree === tree);
const status = async (): Promise<ControllerStatus | undefined> =>
  (await operator.readStatus()).find(({ key }) => key === "controller")?.value as ControllerStatus | undefined;
const counter = async (name: string): Promise<number> => (await status())?.counters[name] ?? 0;
const control = async (verb: string, body?: unknown): Promise<unknown> => await operator.requestControl(verb, body);

beforeAll(async () => {
  bus = await startBus({ "controller.deciders": { opa: { max_ttl: "1m" } } });
  engine = new EngineBus(await bus.connect("engine"));
  operatorConnection = await bus.connect("operator");
  operator = new OperatorBus(operatorConnection);
});

afterAll(async () => {
  await bus.stop();
});

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "reeve-test-"));
  mkdirSync(join(root, "rules"));
  writeFileSync(join(root, "rules", "a.yaml"), "one");
  start();
});

afterEach(async () => {
  await stop();
  rmSync(root, { recursive: true, force: true });
});

describe("decisions", () => {
  test("one becomes an entry that the agent of its node sees; the same again renews it", async () => {
    const agent = new AgentBus(await bus.connect("agent"));
    const seen: { key: string; renewedAt: string }[] = [];
    const follow = async (): Promise<void> => {
      for await (const update of agent.watchDesired()) {
        if (update.type === "change" && update.entry?.selectors[0]?.scope.tree === "renewed") {
          seen.push({ key: update.key, renewedAt: update.entry.renewedAt });
        }
      }
    };
    const following = follow();
    await decide("renewed");
    await until(() => seen.length === 1);
    await decide("renewed");
    await until(() => seen.length === 2);
    expect(seen[0]?.key).toMatch(/^node\.web-1\.contain-[0-9a-f]{16}$/);
    expect(seen[1]?.key).toBe(seen[0]?.key);
    expect(Date.parse(seen[1]?.renewedAt ?? "")).toBeGreaterThan(Date.parse(seen[0]?.renewedAt ?? ""));
    const [stored] = await entries("renewed");
    const sequence = Number(stored?.entry?.selectors[0]?.because.decision);
    expect(await operator.findDecision(sequence)).toMatchObject({ decision: { scope: { tree: "renewed" } } });
    await agent.close();
    await following;
  });

  test("a decider's are capped, and named", async () => {
    const decider = new DeciderBus(await bus.connect("decider", "opa"));
    await decider.publishDecision("p", decision("capped"), randomUUID());
    await until(async () => (await entries("capped")).length === 1);
    const [stored] = await entries("capped");
    expect(stored?.entry).toMatchObject({ ttl: 60_000, selectors: [{ because: { decider: "opa", policy: "p" } }] });
    await decider.publishDecision("p", decision("fleet", { fleet: true }), randomUUID());
    await until(async () => (await counter("refused_caps_exceeded")) === 1);
    expect((await status())?.refused[0]).toMatchObject({ decider: "opa", policy: "p", code: "caps_exceeded" });
    await decider.close();
  });

  test("malformed ones are refused once, with a reason, and hold up nothing", async () => {
    const raw = await bus.connect("engine");
    for (const text of ["{", "", "[]", '{"action":"explode"}']) await store(raw, "reeve.decisions.bad", text);
    await decide("after-malformed");
    await until(async () => (await entries("after-malformed")).length === 1);
    await until(async () => (await counter("decisions_refused")) === 4);
    const refused = (await status())?.refused ?? [];
    expect(refused.map(({ code }) => code)).toEqual(["invalid_decision", "invalid_decision", "malformed", "malformed"]);
    expect(refused.every(({ message }) => message.includes("allowed"))).toBe(true);
    await stop();
    start();
    await decide("after-restart");
    await until(async () => (await entries("after-restart")).length === 1);
    expect(await counter("decisions_refused")).toBe(0);
  });

  test("what was decided while no controller ran is taken when one runs again; nothing is written twice", async () => {
    await decide("before-stop");
    await until(async () => (await entries("before-stop")).length === 1);
    const [before] = await entries("before-stop");
    await stop();
    for (let i = 0; i < 20; i++) await decide(`stopped-${i}`);
    await decide("short-lived", { ttl: "1s" });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    start();
    await until(async () => (await entries("stopped-19")).length === 1);
    for (let i = 0; i < 20; i++) expect(await entries(`stopped-${i}`)).toHaveLength(1);
    expect((await entries("before-stop"))[0]?.revision).toBe(before?.revision);
    await until(async () => (await counter("refused_too_late")) === 1);
    expect(await entries("short-lived")).toEqual([]);
  });

  test("a lease that ended is removed", async () => {
    await decide("ends", { ttl: "1s" });
    await until(async () => (await entries("ends")).length === 1);
    await until(async () => (await entries("ends")).length === 0);
    await until(async () => (await counter("leases_ended")) >= 1);
  });

  test("the bus dies and comes back: decisions go on", async () => {
    await bus.restart("kill", 300);
    await operatorConnection.ready(20_000);
    await decide("after-crash");
    await until(async () => (await entries("after-crash")).length === 1, 20_000);
  });
});

describe("control", () => {
  test("selectors, disarm and arm, status", async () => {
    const match = [{ field: "process.binary", op: "prefix", values: ["/tmp/"] }];
    const selector = { id: "no-tmp", hook: "process_exec", action: "deny", match };
    await until(async () => (await status())?.state === "running");
    expect(await control("selectors.add", { selectors: [selector], ttl: "10m" })).toMatchObject({
      added: [{ key: "all.no-tmp", ttl: 600_000 }],
    });
    expect(await control("selectors.list")).toMatchObject({
      entries: expect.arrayContaining([expect.objectContaining({ key: "all.no-tmp", owner: "person" })]),
    });
    expect(await control("disarm", { node: "web-1" })).toEqual({ disarmed: ["web-1"] });
    expect((await new DesiredStore(operatorConnection).get("node.web-1.disarm"))?.entry?.disarm).toBe(true);
    expect(await control("arm")).toEqual({ armed: ["web-1"], disarmed: [] });
    expect(await control("selectors.delete", { id: "no-tmp" })).toEqual({ deleted: ["all.no-tmp"] });
    expect(await control("status")).toMatchObject({ controller: { state: "running" } });
    await expect(control("selectors.add", { selectors: [{ ...selector, match: [] }] })).rejects.toMatchObject({
      detail: { code: "invalid_request", message: expect.stringContaining("could lock people out") },
    });
    await expect(control("selectors.drop")).rejects.toMatchObject({ code: "remote" });
  });

  test("an entry of more than a message is kept whole", async () => {
    const values = Array.from({ length: 10_000 }, (_, index) => `/tmp/${"x".repeat(60)}${index}`);
    const match = [{ field: "process.binary", op: "in", values }];
    await until(async () => (await status())?.state === "running");
    await control("selectors.add", { selectors: [{ id: "large", hook: "process_exec", action: "deny", match }] });
    const stored = await new DesiredStore(operatorConnection).get("all.large");
    expect(stored?.entry?.selectors[0]?.match[0]?.values).toHaveLength(10_000);
    await control("selectors.delete", { id: "large" });
  });
});

describe("rule sets", () => {
  const current = async (): Promise<string | null> =>
    (await new RuleSets(operatorConnection).current())?.digest ?? null;
  const save = (text: string, name = "a.yaml"): void => writeFileSync(join(root, "rules", name), text);

  test("a saved file is in force within a second; a broken one changes nothing; push", async () => {
    await until(async () => (await status())?.ruleset.state === "live");
    const first = await current();
    const saved = Date.now();
    save("two");
    await until(async () => (await current()) !== first);
    expect(Date.now() - saved).toBeLessThan(1_000);
    const second = await current();
    save("BROKEN");
    await until(async () => (await status())?.ruleset.state === "broken");
    expect((await status())?.ruleset).toMatchObject({ digest: second, errors: [{ line: 3, rule: "x" }] });
    expect(await current()).toBe(second);
    await control("rules.push", { digest: first });
    expect(await current()).toBe(first);
    expect(await control("rules.status")).toMatchObject({ ruleset: { source: "push", digest: first } });
    await expect(control("rules.push", { digest: `sha256:${"0".repeat(64)}` })).rejects.toMatchObject({
      detail: { code: "not_found" },
    });
  });

  test("only the last sets are kept", async () => {
    const sets = new RuleSets(operatorConnection);
    await until(async () => (await status())?.ruleset.state === "live");
    for (let i = 0; i < 22; i++) {
      const before = await current();
      save(`set ${i}`);
      await until(async () => (await current()) !== before);
    }
    await until(async () => (await sets.list()).length === 20);
    expect(Buffer.from((await sets.get((await current()) ?? "")).bytes).toString()).toContain("set 21");
  });

  test("with the real build", { timeout: 60_000 }, async () => {
    await stop();
    rmSync(join(root, "rules", "a.yaml"));
    start({ buildCommand: REAL_BUILD, shipped: true });
    await until(async () => (await status())?.ruleset.state === "live", 30_000);
    const shipped = await current();
    const rule = [
      "id: mine",
      "on: [process_exec]",
      'when: process.binary = "/tmp/x"',
      "severity: low",
      "message: x",
      "",
    ];
    const saved = Date.now();
    save(rule.join("\n"), "mine.yaml");
    await until(async () => (await current()) !== shipped, 20_000);
    process.stdout.write(`saved file to current rule set with the real build: ${Date.now() - saved} ms\n`);
    const good = await current();
    save(rule.join("\n").replace("low", "hi"), "mine.yaml");
    await until(async () => (await status())?.ruleset.state === "broken", 20_000);
    expect((await status())?.ruleset.errors).toMatchObject([
      { file: join(root, "rules", "mine.yaml"), line: 4, rule: "mine", allowed: "info, low, medium, high, critical" },
    ]);
    expect(await current()).toBe(good);
  });
});
