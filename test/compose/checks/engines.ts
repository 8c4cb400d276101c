import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import type { OperatorBus } from "../../../bus/clients/operator.ts";
import type { ProcessExecEvent } from "../../../bus/generated/events.ts";
import { partitionOf } from "../../../bus/partition.ts";
import { countByBinary } from "../alerts.ts";
import { PLAYED, Player } from "../recorded.ts";
import { OTHER_NODES, type Status, type World } from "../world.ts";
import type { Check } from "./containers.ts";
import { eventually } from "./services.ts";

const ROUNDS = 20;

/** `event` is one that was recorded here, of a program run from /tmp. Two rules engines share the partitions; one that is killed is taken over. */
export async function checkEngines(
  world: World,
  bus: OperatorBus,
  event: ProcessExecEvent,
  check: Check,
  say: (line: string) => void,
): Promise<void> {
  await check("two engines own half of the partitions each", async () => {
    await world.compose(["up", "-d", "--no-build", "--no-recreate", "--scale", "rules=2"]);
    await world.healthy();
    await eventually(async () => {
      const shares = live(await world.status()).map(({ partitions }) => partitions.length);
      assert.deepEqual(shares, [16, 16]);
    });
  });

  await check("recorded events of eight nodes go to the engine that owns their partition, each told once", async () => {
    const before = live(await world.status());
    const since = new Date();
    const player = await Player.open(world, event, 1);
    try {
      for (let round = 0; round < ROUNDS; round++) await player.round();
      await toldOnce(bus, since, player.played);
    } finally {
      await player.close();
    }
    await eventually(async () => {
      const after = live(await world.status());
      for (const { name, partitions, counters } of after) {
        const nodes = OTHER_NODES.filter((node) => partitions.includes(partitionOf(node)));
        const alerts = (counters["alerts"] ?? 0) - (before.find((it) => it.name === name)?.counters["alerts"] ?? 0);
        assert.ok(alerts >= nodes.length * ROUNDS, `${name}: ${alerts} alerts of ${nodes.length} nodes`);
      }
    });
  });

  await check("an engine that is killed is taken over within seconds; nothing is lost or told twice", async () => {
    const since = new Date();
    const player = await Player.open(world, event, 2);
    try {
      const stop = new AbortController();
      const play = playUntil(player, stop.signal);
      await sleep(1000);
      const [victim] = await world.of("rules");
      await world.docker(["kill", "--signal", "KILL", victim!.Id]);
      const killed = Date.now();
      await eventually(async () => {
        const shares = live(await world.status()).map(({ partitions }) => partitions.length);
        assert.ok(shares.includes(32), shares.join(" and "));
      }, 20_000);
      const took = Date.now() - killed;
      stop.abort();
      await play;
      await toldOnce(bus, since, player.played);
      say(
        `an engine that was killed was taken over after ${(took / 1000).toFixed(1)} s, its last events told ${((Date.now() - killed) / 1000).toFixed(1)} s after`,
      );
      assert.ok(took < 15_000, `${took} ms`);
    } finally {
      await player.close();
      await world.compose(["up", "-d", "--no-build", "--no-recreate", "--scale", "rules=1"]);
    }
  });
}

/** Those that have said something within the last seconds. */
function live(status: Status): Status["engines"] {
  return status.engines.filter(({ time, state }) => state === "running" && Date.now() - Date.parse(time) < 5000);
}

async function toldOnce(bus: OperatorBus, since: Date, played: readonly string[]): Promise<void> {
  await eventually(async () => {
    const counts = await countByBinary(bus, since, PLAYED);
    const missing = played.filter((binary) => !counts.has(binary));
    assert.equal(
      missing.length,
      0,
      `${missing.length} of ${played.length} not told: ${missing.slice(0, 3).join(", ")}`,
    );
  }, 30_000);
  const twice = [...(await countByBinary(bus, since, PLAYED))].filter(([, count]) => count > 1);
  assert.deepEqual(twice, []);
}

async function playUntil(player: Player, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await player.round();
    await sleep(50);
  }
}
