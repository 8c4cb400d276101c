import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AgentBus } from "../../bus/clients/agent.ts";
import { configToYaml } from "../../bus/config/describe.ts";
import { eventSubject } from "../../bus/subjects.ts";
import type { Alert } from "../../bus/types/alert.ts";
import { runController } from "../../controller/main.ts";
import { startBus, until } from "../bus/harness.ts";
import type { TestBus } from "../bus/harness.ts";
import { exec, lines, rulesDir, yamlRule } from "../rules/helpers.ts";
import { startEngine } from "./engines/engine-process.ts";
import type { EngineProcess } from "./engines/engine-process.ts";
import { REPO, run } from "./reeve.ts";

// `reeve rules push`, `history`, `rollback` and `list` as a person types them, against a real bus, controller and two engines.

let bus: TestBus;
let rules: ReturnType<typeof rulesDir>;
let configFile: string;
let engines: EngineProcess[];
let controlling: Promise<void>;
let agent: AgentBus;
const alerts: Alert[] = [];
const stop = new AbortController();
let seq = 0;

beforeAll(async () => {
  rules = rulesDir({ "first.yaml": yamlRule("first", 'process.binary = "/first"') });
  chmodSync(rules.dir, 0o755);
  bus = await startBus({ "rules.dirs": [rules.dir], "rules.shipped": false, "log.level": "error" });
  configFile = join(bus.config.run_dir, "reeve.yaml");
  writeFileSync(configFile, configToYaml(bus.config));
  const reader = await bus.connect("reader");
  reader.subscribe("reeve.alerts.>", (message) => void alerts.push(JSON.parse(message.string()) as Alert));
  await reader.flush();
  agent = new AgentBus(await bus.connect("agent"));
  const buildCommand = [process.execPath, join(REPO, "cli/main.ts"), "rules", "build"];
  controlling = runController(bus.config, stop.signal, { buildCommand });
  engines = await Promise.all(["one", "two"].map((name) => startEngine(bus.config, name)));
}, 60_000);

afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.kill("SIGTERM")));
  stop.abort();
  await controlling;
  await bus.stop();
  rules[Symbol.dispose]();
});

const reeve = (...args: string[]) => run([...args, "--config", configFile]);

async function finds(rule: string, binary: string): Promise<void> {
  await agent.events.publish(
    eventSubject("process_exec", "web-1"),
    lines(exec({ process: { binary } }, ++seq)),
    `${seq}`,
  );
  await until(() => alerts.some((alert) => alert.rule === rule && alert.message.startsWith(binary)));
}

const firstLine = (text: string): string => text.split("\n")[0] ?? "";
let built: string;
let pushed: string;

test("a directory is pushed: both engines have it when the command ends, and its rules find", async () => {
  await finds("first", "/first");
  using dir = rulesDir({ "second.yaml": yamlRule("second", 'process.binary = "/second"') });
  const { code, stdout, stderr } = await reeve("rules", "push", dir.dir, "-o", "json");
  expect([code, stderr]).toEqual([0, ""]);
  const said = JSON.parse(stdout) as { digest: string; replaced: string; engines: string[]; late: string[] };
  expect(said).toMatchObject({ engines: ["one", "two"], late: [] });
  [built, pushed] = [said.replaced, said.digest];
  await finds("second", "/second");
});

test("what is wrong with a directory is said in full, and nothing of it comes into force", async () => {
  using dir = rulesDir({
    "good.yaml": yamlRule("good", "true"),
    "bad.yaml": yamlRule("bad", "process.binary ="),
    "worse.yaml": "id: worse\non: [no_such_kind]\nwhen: true\nseverity: dreadful\nmessage: x\n",
  });
  const { code, stderr } = await reeve("rules", "push", dir.dir);
  expect(code).toBe(1);
  expect(stderr).toContain("bad.yaml:3");
  expect(stderr).toContain("worse.yaml:2");
  expect(stderr).toContain("worse.yaml:4");
  const { stdout } = await reeve("rules", "history", "-o", "json");
  const { sets } = JSON.parse(stdout) as { sets: { digest: string; in_force: boolean }[] };
  expect(sets[0]).toMatchObject({ digest: pushed, in_force: true });
});

test("history says what was in force, and rollback goes back to it", async () => {
  const history = await reeve("rules", "history");
  expect(history.code).toBe(0);
  const [, now = "", before = ""] = history.stdout.split("\n");
  expect(now).toMatch(/push by .*@.* +in force/);
  expect([now.startsWith(pushed.slice(0, 19)), before.startsWith(built.slice(0, 19))]).toEqual([true, true]);
  const back = await reeve("rules", "rollback");
  expect([back.code, firstLine(back.stdout)]).toEqual([0, `${built}: 1 rules, 0 policies, in force on one, two`]);
  await finds("first", "/first");
  const forth = await reeve("rules", "rollback", pushed.slice("sha256:".length, 20));
  expect([forth.code, forth.stdout.startsWith(pushed)]).toEqual([0, true]);
  const none = await reeve("rules", "rollback", "0000");
  expect([none.code, none.stderr]).toEqual([5, expect.stringContaining("no set that is kept begins so")]);
});

test("list adds up what the engines counted; with --files it shows what would be loaded", async () => {
  await finds("second", "/second");
  const row = async (): Promise<string> =>
    (await reeve("rules", "list")).stdout.split("\n").find((line) => line.startsWith("second ")) ?? "";
  await until(async () => /^second +rule +high +[1-9]\d* +[1-9]\d* +0 +0\.\d\d s .*\ds ago +active/.test(await row()));
  const files = await reeve("rules", "list", "--files");
  expect(files.stdout).toContain("first.yaml:1");
});

test("something else in the rule directories replaces what was pushed", async () => {
  writeFileSync(join(rules.dir, "third.yaml"), yamlRule("third", 'process.binary = "/third"'));
  await until(async () => (await reeve("rules", "history")).stdout.split("\n")[1]?.includes("build") === true);
  const listed = async (): Promise<string> => (await reeve("rules", "list")).stdout;
  await until(async () => / third |^third /m.test(await listed()) && !(await listed()).includes("second "), 20_000);
  await finds("third", "/third");
});
