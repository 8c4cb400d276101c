import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { cgroup2Root } from "../../../../agent/process/cgroups.ts";
import { BpfObject, SharedMaps } from "../../../../agent/kernel/object.ts";
import { ControllerBus } from "../../../../bus/clients/controller.ts";
import { desiredKey } from "../../../../bus/subjects.ts";
import { programsOf, standBy, until, World } from "./harness.ts";
import { LSM, NO_CGROUP_RUNG } from "./rungs.ts";

const root = cgroup2Root()!;
const path = `/reeve-test-hooks-${process.pid}`;
const directory = join(root, path);
let world: World;
beforeAll(async () => {
  mkdirSync(directory);
  world = await World.start();
  await standBy(world, new ControllerBus(await world.bus.connect("controller")));
});
afterEach(() => world.killAgents());
afterAll(async () => {
  await world.stop();
  rmdirSync(directory);
});

const withCgroup = (cgroup: string) => world.agent({ agent: { ...world.config.agent, cgroup } });
const connectHook = async () => (await world.status())?.hooks.find(({ hook }) => hook === "network_connect");

/** Which attaches the hook. */
async function denyConnect(): Promise<void> {
  const controller = new ControllerBus(await world.bus.connect("controller"));
  await controller.desired.put(desiredKey("no-connect"), {
    selectors: [
      {
        ...{ id: "no-connect", hook: "network_connect", action: "deny", mode: "enforce", priority: 0, rate: null },
        ...{ match: [], scope: { cgroup: path }, because: {} },
      },
    ],
    hooks: ["network_connect"],
    ttl: "none",
    renewedAt: new Date().toISOString(),
  });
}

test("agent.cgroup is a path in the hierarchy, or the same with the mount point in front", async (context) => {
  context.skip(LSM, NO_CGROUP_RUNG);
  const programs = (): string => execFileSync("bpftool", ["cgroup", "show", directory], { encoding: "utf8" });
  await denyConnect();
  for (const cgroup of [path, path.slice(1), directory]) {
    const agent = await withCgroup(cgroup);
    await until(() => /connect4/.test(programs()), 60_000);
    await agent.stop();
    expect(programs()).not.toMatch(/connect4/);
  }
}, 240_000);

test("what only tells of acts is attached while somebody asks to be told: each system call would pay for it", async () => {
  const [denies, tells] = LSM ? ["connect_lsm", "connect_fexit_stream"] : ["connect4", "connect_sys_exit"];
  await denyConnect();
  const agent = await withCgroup(path);
  const names = () => programsOf(agent.pid).map(nameOf);
  await until(() => names().includes(denies), 50_000);
  expect(names()).not.toContain(tells);
  const controller = new ControllerBus(await world.bus.connect("controller"));
  const post = { hook: "network_connect", action: "post", mode: "enforce", priority: 0, rate: null } as const;
  await controller.desired.put(desiredKey("see-connect"), {
    selectors: [{ ...post, id: "see-connect", match: [], scope: { cgroup: path }, because: {} }],
    ...{ hooks: ["network_connect"], ttl: "none", renewedAt: new Date().toISOString() },
  });
  await until(() => names().includes(tells), 50_000);
  await controller.desired.delete(desiredKey("see-connect"));
  await until(() => !names().includes(tells), 50_000);
  expect(names()).toContain(denies);
  await agent.stop();
});

test.each(["/no/such/cgroup", "/sys/fs/cgroup/no-such", "/../etc"])(
  "the agent does not start with agent.cgroup %s, and says why",
  async (cgroup) => {
    const agent = await withCgroup(cgroup);
    expect(await agent.stop()).toBe(1);
    const said = agent.log.map(({ line }) => line).join("\n");
    expect(said).toContain(`agent.cgroup: there is no cgroup "${cgroup}" (allowed: `);
    expect(said).toContain(root);
  },
);

test("a hook that could not be attached says why, in the status and to each selector that wants it", async (context) => {
  context.skip(LSM, NO_CGROUP_RUNG);
  const maps = new SharedMaps();
  const theirs = BpfObject.open(join(import.meta.dirname, "../../../../bpf/out/network_connect.bpf.o"), {
    ...{ maps, autoload: (program) => program === "connect4" },
  });
  theirs.load();
  // Somebody's program that suffers no other beside it.
  const id = programsOf(process.pid).find((it) => nameOf(it) === "connect4");
  execFileSync("bpftool", ["cgroup", "attach", directory, "connect4", "id", String(id)]);
  try {
    const agent = await withCgroup(path);
    await denyConnect();
    await until(async () => (await connectHook())?.detail?.includes("connect4") === true, 60_000);
    const hook = await connectHook();
    expect(hook).toMatchObject({ attached: false, can_deny: false, rung: "none" });
    expect(hook?.detail).toMatch(/connect4 at .*EPERM|connect4 at .*not permitted/i);

    await until(async () => (await world.status())!.refused.length > 0);
    const [refused] = (await world.status())!.refused;
    expect(refused).toMatchObject({ selector: "no-connect" });
    expect(refused?.reason).toContain(hook!.detail);
    await agent.stop();
  } finally {
    execFileSync("bpftool", ["cgroup", "detach", directory, "connect4", "id", String(id)]);
    theirs.close();
    maps.close();
  }
});

/** Undefined where it is gone: the agent tries programs and gives them back. */
function nameOf(id: number): string | undefined {
  const { stdout, status } = spawnSync("bpftool", ["-j", "prog", "show", "id", String(id)], { encoding: "utf8" });
  return status === 0 ? (JSON.parse(stdout) as { name: string }).name : undefined;
}
