import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import type { OperatorBus } from "../../../bus/clients/operator.ts";
import { countByBinary } from "../alerts.ts";
import { type Act, Load } from "../load.ts";
import type { World } from "../world.ts";
import type { Check } from "./containers.ts";
import { eventually } from "./services.ts";

/** Each service is restarted while programs are run. */
export async function checkRestarts(
  world: World,
  bus: OperatorBus,
  check: Check,
  say: (line: string) => void,
): Promise<void> {
  for (const service of ["nats", "controller", "rules", "agent"]) {
    const what = service === "agent" ? "what it did not see is said as a gap" : "no finding is lost";
    await check(`${service} is restarted under load: ${what}, none is doubled`, async () => {
      const since = new Date();
      const load = new Load();
      try {
        load.start(25);
        await sleep(1000);
        await world.compose(["restart", service]);
        await sleep(1000);
        await world.healthy();
        await sleep(1000);
        await load.stop();
        const gaps = service === "agent" ? await restartGaps(bus, since) : [];
        const expected = load.acts.filter((act) => !gaps.some((gap) => overlaps(act, gap)));
        await eventually(async () => {
          const counts = await countByBinary(bus, since, load.dir);
          const missing = expected.filter(({ binary }) => !counts.has(binary));
          assert.equal(missing.length, 0, `${missing.length} of ${expected.length} not told`);
        }, 30_000);
        const twice = [...(await countByBinary(bus, since, load.dir))].filter(([, count]) => count > 1);
        assert.deepEqual(twice, []);
        const unseen = load.acts.length - expected.length;
        say(
          `${service}: ${load.acts.length} programs were run${unseen > 0 ? `, ${unseen} of them within a gap that was said` : ""}`,
        );
        assert.ok(service !== "agent" || gaps.length > 0, "no gap was said");
      } finally {
        await load.stop();
        load.remove();
      }
    });
  }
}

interface Span {
  from: number;
  to: number;
}

async function restartGaps(bus: OperatorBus, since: Date): Promise<Span[]> {
  const gaps: Span[] = [];
  for await (const event of bus.readEvents({ kinds: ["gap"], since, follow: false })) {
    if (event.kind !== "gap" || event.reason !== "agent_restart") continue;
    gaps.push({ from: Date.parse(event.from), to: Date.parse(event.to) });
  }
  return gaps;
}

function overlaps(act: Act, gap: Span): boolean {
  return act.before <= gap.to && act.after >= gap.from;
}
