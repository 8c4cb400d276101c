import { strict as assert } from "node:assert";
import { readlinkSync, statSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { Status, World } from "../world.ts";
import type { Check } from "./containers.ts";

/** What each service may do, and that `reeve` of the host finds them. */
export async function checkServices(world: World, check: Check): Promise<void> {
  await check("every service becomes healthy", async () => {
    await world.healthy();
    const states = (await world.containers()).map((it) => [it.Config.Labels["com.docker.compose.service"], it.State]);
    const well = states
      .filter(([, state]) => (state as { Health?: unknown }).Health !== undefined)
      .map(([name]) => name);
    assert.deepEqual(new Set(well), new Set(["agent", "controller", "nats", "rules"]));
  });

  await check("all but the agent run unprivileged with a read-only root; the agent sees the host", async () => {
    for (const service of ["nats", "controller", "rules"]) {
      const [it] = await world.of(service);
      assert.equal(it?.HostConfig.ReadonlyRootfs, true, service);
      assert.equal(it?.HostConfig.Privileged, false, service);
      assert.deepEqual(it?.HostConfig.CapDrop, ["ALL"], service);
      assert.equal(it?.HostConfig.CapAdd, null, service);
      assert.equal(it?.Config.User || (await userOf(world, service)), "64999:64999", service);
      assert.ok(it?.HostConfig.SecurityOpt?.includes("no-new-privileges:true"), service);
      assert.equal(it?.HostConfig.Init, true, service);
    }
    const [agent] = await world.of("agent");
    const { Privileged, PidMode, CgroupnsMode } = agent!.HostConfig;
    assert.deepEqual(
      { Privileged, PidMode, CgroupnsMode },
      { Privileged: true, PidMode: "host", CgroupnsMode: "host" },
    );
  });

  await check("reeve of the host finds it without a flag", async () => {
    const status = await world.status();
    assert.equal(status.nodes.length, 1);
    assert.deepEqual(
      status.nodes[0]?.hooks.filter(({ idle }) => idle !== true).map(({ hook, attached }) => [hook, attached]),
      [
        ["process_exec", true],
        ["network_connect", true],
      ],
    );
    assert.equal(status.engines[0]?.partitions.length, 32);
    assert.equal(status.controller?.ruleset.state, "live");
    const file = join(world.tree, "deploy/run/credentials/operator.json");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(file).uid, statSync(join(world.tree, "deploy/run")).uid);
  });

  await check("where the host has no Node, reeve runs in a container", async () => {
    const modules = join(world.tree, "node_modules");
    const real = readlinkSync(modules);
    unlinkSync(modules);
    try {
      const { status, stdout, stderr } = await world.reeve(["status", "-o", "json"]);
      assert.equal(status, 0, stderr);
      assert.equal((JSON.parse(stdout) as Status).nodes[0]?.state, "running");
    } finally {
      symlinkSync(real, modules);
    }
  });

  await check("reeve events --container shop-web -o compact prints what runs there, and nothing else", async () => {
    assert.equal((await world.exec("shop-web", ["ls", "/demo"])).status, 0);
    await world.exec("shop-api", ["ls", "/etc"]);
    const args = ["events", "--container", "shop-web", "-o", "compact", "--since", "1m", "--no-follow"];
    await eventually(async () => {
      const { stdout } = await world.reeve(args);
      assert.match(stdout, /process reeve-shop-web-1 \/usr\/bin\/ls \/demo/);
      assert.doesNotMatch(stdout, /ls \/etc/);
    });
  });
}

async function userOf(world: World, service: string): Promise<string> {
  const [it] = await world.of(service);
  const { stdout } = await world.docker(["inspect", "--format", "{{.Config.User}}", it!.Id]);
  return stdout.trim();
}

/** Until the body does not throw any more. */
export async function eventually(body: () => Promise<void>, limit = 15_000): Promise<void> {
  for (const end = Date.now() + limit; ;) {
    try {
      await body();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
