import { execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ControllerBus } from "../../../../bus/clients/controller.ts";
import { desiredKey } from "../../../../bus/subjects.ts";
import type { DesiredEntry } from "../../../../bus/types/desired.ts";
import type { Selector } from "../../../../bus/types/selector.ts";
import { type RunningAgent, standBy, until, World } from "./harness.ts";
import { LSM, wasDenied } from "./rungs.ts";

let world: World;
let agent: RunningAgent;
let controller: ControllerBus;
let dir: string;
let target: string;
beforeAll(async () => {
  world = await World.start();
  controller = new ControllerBus(await world.bus.connect("controller"));
  agent = await world.agent();
  await standBy(world, controller);
  await until(
    async () => (await world.status())?.hooks.find(({ hook }) => hook === "network_connect")?.attached === true,
    50_000,
  );
  dir = mkdtempSync(join(tmpdir(), "reeve-enforce-"));
  target = join(dir, "target");
  copyFileSync("/bin/true", target);
});
afterAll(async () => {
  await world.stop();
  rmSync(dir, { recursive: true });
});

const deny = (more: Partial<Selector> = {}): Selector => ({
  id: "deny-target",
  hook: "process_exec",
  action: "deny",
  mode: "enforce",
  priority: 3,
  rate: null,
  match: [{ field: "process.binary", op: "in", values: [target] }],
  scope: {},
  because: { policy: "test/deny", reason: "a test" },
  ...more,
});
const entry = (selectors: Selector[], ttl: number | "none" = "none"): DesiredEntry => ({
  selectors,
  hooks: ["process_exec"],
  ttl,
  renewedAt: new Date().toISOString(),
});
const applied = async (revision: number) =>
  until(async () => ((await world.status())?.applied_revision ?? -1) >= revision, 50_000);
const KEY = desiredKey("test-deny");

async function put(value: DesiredEntry): Promise<void> {
  const revision = await controller.desired.put(KEY, value);
  await applied(revision);
}

test("a denied exec never runs an instruction, and the denial says who, why and by what", async () => {
  expect(spawnSync(target).status).toBe(0);
  await put(entry([deny()]));
  expect(wasDenied(spawnSync(target, ["x"]))).toBe(true);
  expect(spawnSync("/bin/true").status).toBe(0);
  await until(async () => (await world.events("denial")).length > 0);
  const [denial] = await world.events("denial");
  // LSM is asked while the caller is still what it was; a kill comes when it is the new image
  const beforeTheAct = { process: { binary: process.execPath }, file: { path: target } };
  expect(denial).toMatchObject({
    selector: "deny-target",
    policy: "test/deny",
    hook: "process_exec",
    mode: "enforce",
    action: "deny",
    rung: LSM ? "lsm" : "tp_btf",
    priority: 3,
    count: 1,
    undecided: false,
    because: { reason: "a test" },
    socket: null,
    ...(LSM ? beforeTheAct : { process: { binary: target, arguments: "x" }, parent: { pid: process.pid } }),
  });
  const status = (await world.status())!;
  expect(status.selectors).toMatchObject([{ id: "deny-target", entry: KEY, mode: "enforce", deadline: null }]);
  await until(async () => ((await world.status())!.selectors[0]?.counters.denied ?? 0) >= 1);
});

test("in mode monitor it runs, and the event says what would have been done", async () => {
  await put(entry([deny({ id: "watch-target", mode: "monitor" })]));
  expect(spawnSync(target, ["monitored"]).status).toBe(0);
  await until(async () => (await world.events("denial")).some((it) => it.selector === "watch-target"));
  const denial = (await world.events("denial")).find((it) => it.selector === "watch-target");
  expect(denial).toMatchObject({ mode: "monitor", ...(LSM ? {} : { process: { arguments: "monitored" } }) });
});

test("a tree cut off from exec and network stays so without agent's help until its lease ends", async () => {
  const script = join(dir, "tree.sh");
  const [marker, go] = [join(dir, "marker"), join(dir, "go")];
  writeFileSync(script, `read < ${go}; ${target} && echo ran > ${marker}; exec 3<>/dev/tcp/127.0.0.1/9`);
  execFileSync("mkfifo", [go]);
  const tree = spawn("bash", [script], { stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(() => void tree.kill("SIGKILL"));
  let said = "";
  tree.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const exited = new Promise((resolve) => tree.once("exit", resolve));
  const find = async () => (await world.events("process_exec")).find((it) => it.process.arguments === script);
  await until(async () => (await find()) !== undefined);
  const scope = { tree: (await find())!.process.exec_id };
  const cut = (hook: Selector["hook"]) => deny({ id: `cut-${hook}`, hook, match: [], scope });
  await put(entry([cut("process_exec"), cut("network_connect")], 2000));
  writeFileSync(go, "\n");
  await exited;
  expect(existsSync(marker)).toBe(false);
  expect(said).toMatch(LSM ? /target: Operation not permitted/ : /Killed/);
  expect(said).toMatch(/Operation not permitted/);
  expect(spawnSync(target).status).toBe(0);
  await until(async () => (await world.events("denial")).some((it) => it.hook === "network_connect"));
  const denial = (await world.events("denial")).find((it) => it.hook === "network_connect")!;
  expect(denial.socket).toEqual({ family: "ipv4", protocol: "tcp", daddr: "127.0.0.1", dport: 9 });
  await until(async () => (await world.status())!.selectors.length === 0);
});

test("a lease ends by itself, also when the bus is gone", async () => {
  await put(entry([deny()], 1500));
  expect(wasDenied(spawnSync(target))).toBe(true);
  const back = world.bus.restart("kill", 2500);
  await until(() => spawnSync(target).status === 0);
  await back;
  await Promise.all([world.operator.bus.ready(5000), controller.bus.ready(5000)]);
});

test("disarming by signal empties the kernel at once; deleting the disarm entry arms again, one that never was too", async () => {
  await put(entry([deny()]));
  expect(wasDenied(spawnSync(target))).toBe(true);
  agent.signal("SIGUSR2");
  await until(() => spawnSync(target).status === 0, 2000);
  await until(async () => (await world.status())?.state === "disarmed");
  const disarm = desiredKey("disarm");
  const revision = await controller.desired.put(disarm, { ...entry([]), disarm: true });
  await applied(revision);
  await controller.desired.delete(disarm);
  await until(() => wasDenied(spawnSync(target)), 5000);
  agent.signal("SIGUSR2");
  await until(() => spawnSync(target).status === 0, 2000);
  // As the controller does it: it has seen no such entry, so it expects none.
  await controller.desired.delete(disarm, { revision: 0 });
  await until(() => wasDenied(spawnSync(target)), 5000);
});

test("what this kernel cannot do is refused by name, the rest applies", async () => {
  await put(entry([deny(), deny({ id: "odd", match: [{ field: "file.path", op: "in", values: ["x"] }] })]));
  const status = (await world.status())!;
  expect(status.refused).toMatchObject([{ selector: "odd", entry: KEY }]);
  expect(status.selectors.map((it) => it.id)).toEqual(["deny-target"]);
});
