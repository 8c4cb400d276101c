import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { copyFileSync, rmSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AlertReader } from "../alerts.ts";
import { Load } from "../load.ts";
import type { World } from "../world.ts";
import type { Check } from "./containers.ts";
import { eventually } from "./services.ts";

/** The demo's attacks as alerts, and a rule that somebody saves. */
export async function checkAlerts(world: World, alerts: AlertReader, check: Check): Promise<void> {
  await check("a program run from /tmp and a reverse shell are alerts that name container and service", async () => {
    const from = alerts.seen.length;
    const { stdout } = await world.exec("attacker", ["node", "attack.mjs"]);
    assert.match(stdout, /miner ran[^]*id -u: done[^]*shadow: done/);
    for (const [rule, message] of [
      ["exec-from-tmp", "/tmp/miner was run"],
      ["reverse-shell", "127.0.0.1:9001"],
    ]) {
      const alert = await alerts.find(
        rule!,
        (it) => alerts.seen.indexOf(it) >= from && it.rule === rule && inAttacker(it),
      );
      assert.ok(alert.message.includes(message!), alert.message);
      assert.equal(alert.container?.["image"], "node:24.21.0-bookworm-slim");
      assert.equal(alert.container?.["project"], "reeve");
    }
  });

  await check("the example rule finds a package manager", async () => {
    await world.exec("shop-api", ["apt-get", "--version"]);
    const alert = await alerts.find("apt-get", ({ rule }) => rule === "package-manager-in-container");
    assert.equal(alert.message, "/usr/bin/apt-get --version was run in container reeve-shop-api-1");
  });
}

/** @returns milliseconds from the save to the first program that was found */
export async function savedRule(world: World, alerts: AlertReader, id: string): Promise<number> {
  const file = join(world.tree, "policies/saved.rego");
  const load = new Load();
  try {
    writeFileSync(`${file}.tmp`, saving(id));
    const saved = Date.now();
    renameSync(`${file}.tmp`, file);
    load.start(50);
    const alert = await alerts.find("the saved rule", ({ rule }) => rule === id);
    const at = Date.parse(alert.event.time);
    // It names the earliest program only if nothing before it was missed.
    return at - saved;
  } finally {
    await load.stop();
    load.remove();
    rmSync(file, { force: true });
  }
}

function saving(id: string): string {
  return `# METADATA
# title: Saved while it runs
# custom: {id: ${id}, on: [process_exec], severity: info}
package detections.saved

alert contains {"message": input.process.binary} if {
	startswith(input.process.binary, "/tmp/reeve-load-")
}
`;
}

/** With enforcement the attack dies where it is, and nowhere else. */
export async function checkEnforcement(world: World, check: Check): Promise<void> {
  await check("with REEVE_ENFORCE=1 everything becomes healthy again", async () => {
    await world.compose(["up", "-d", "--no-build"], { REEVE_ENFORCE: "1" });
    await world.healthy();
  });

  await check("the first attack is found, the next one dies", async () => {
    // told already when it only watched: within the window of `dedupe` it is not told again, but decided about
    await world.exec("attacker", ["node", "attack.mjs"]);
    await eventually(async () => {
      const { stdout } = await world.reeve(["selectors", "list"]);
      assert.match(stdout, /quarantine-tmp-.*\(enforce\)/);
    });
    await sleep(1000);
    const { stdout } = await world.exec("attacker", ["node", "attack.mjs"]);
    assert.match(stdout, /miner: \/tmp\/miner was killed/);
    assert.match(stdout, /ls \/etc\/shadow: killed/);
    assert.doesNotMatch(stdout, /shadow: done/);
  });

  await check("the same program runs in another container and on the host", async () => {
    const { stdout } = await world.exec("shop-web", ["sh", "-c", "cp /bin/true /tmp/miner && /tmp/miner && echo ran"]);
    assert.equal(stdout.trim(), "ran");
    copyFileSync("/bin/true", "/tmp/miner");
    try {
      assert.equal(spawnSync("/tmp/miner").status, 0);
    } finally {
      rmSync("/tmp/miner");
    }
    assert.equal(
      (await world.exec("attacker", ["ls", "/demo"])).status,
      0,
      "other programs of the attacker's container",
    );
  });

  await check("the shop goes on serving", async () => {
    assert.match(await (await fetch(world.shopUrl)).text(), /apples: 12/);
  });

  await check("a selector for all of the project's containers does not touch Reeve's own", async () => {
    const file = join(world.tree, "everything.json");
    writeFileSync(file, JSON.stringify(EVERYTHING));
    assert.equal((await world.reeve(["selectors", "add", file, "--ttl", "2m", "--force"])).status, 0);
    try {
      await eventually(async () => assert.equal((await world.exec("shop-api", ["ls"])).status, 137));
      for (const [service, command] of [
        ["nats", ["nats-server", "--version"]],
        ["rules", ["node", "--version"]],
        ["controller", ["node", "--version"]],
        ["agent", ["node", "--version"]],
      ] as const) {
        assert.equal((await world.exec(service, [...command])).status, 0, service);
      }
    } finally {
      assert.equal((await world.reeve(["selectors", "delete", EVERYTHING.id])).status, 0);
    }
    await eventually(async () => assert.equal((await world.exec("shop-api", ["ls"])).status, 0));
  });

  await check("reeve denials names the container; reeve disarm takes it back", async () => {
    const { stdout } = await world.reeve(["denials", "--since", "5m", "--no-follow"]);
    assert.match(stdout, /process reeve-attacker-1 \/tmp\/miner \(killed/);
    assert.equal((await world.reeve(["disarm"])).status, 0);
    await sleep(500);
    assert.match((await world.exec("attacker", ["node", "attack.mjs", "miner"])).stdout, /miner ran/);
    assert.equal((await world.reeve(["arm"])).status, 0);
  });

  await check("reeve disarm --local tells the agent in its container by a signal", async () => {
    const { status, stdout, stderr } = await world.reeve(["disarm", "--local"]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /by a signal to the agent/);
    assert.match((await world.exec("attacker", ["node", "attack.mjs", "miner"])).stdout, /miner ran/);
    assert.equal((await world.reeve(["arm"])).status, 0);
  });
}

const EVERYTHING = {
  id: "everything",
  hook: "process_exec",
  action: "deny",
  mode: "enforce",
  match: [{ field: "process.binary", op: "prefix", values: ["/"] }],
  scope: { container: { labels: { "com.docker.compose.project": "reeve" } } },
};

function inAttacker({ container }: { container: Record<string, unknown> | null }): boolean {
  return container?.["name"] === "reeve-attacker-1" && container["service"] === "attacker";
}
