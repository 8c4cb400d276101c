import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { OperatorBus } from "../../bus/clients/operator.ts";
import { loadConfig } from "../../bus/config/load.ts";
import type { Config } from "../../bus/config/settings.ts";
import { connect, type BusConnection } from "../../bus/connection.ts";
import type { Alert } from "../../bus/types/alert.ts";
import type { World } from "./world.ts";

/** The configuration of a program of the host that talks to the bus of compose. */
export function hostConfig(world: World, more: Record<string, unknown> = {}): Config {
  const dir = join(world.tree, "deploy/run");
  return loadConfig(
    { run_dir: dir, "bus.url": world.busUrl, "bus.credentials_dir": join(dir, "credentials"), ...more },
    {},
  );
}

/** A plain subscriber to `reeve.alerts.>` without credentials, from before the bus is there. */
export class AlertReader {
  readonly seen: Alert[] = [];
  readonly #bus: BusConnection;

  private constructor(bus: BusConnection) {
    this.#bus = bus;
    bus.subscribe("reeve.alerts.>", (message) => {
      this.seen.push(JSON.parse(Buffer.from(message.data).toString()) as Alert);
    });
  }

  /** As soon as the bus answers. */
  static async open(world: World, limit = 60_000): Promise<AlertReader> {
    for (const end = Date.now() + limit; ; await sleep(50)) {
      try {
        return new AlertReader(await connect("reader", hostConfig(world), { wait: 500 }));
      } catch (error) {
        if (Date.now() > end) throw error;
      }
    }
  }

  async find(what: string, test: (alert: Alert) => boolean, limit = 15_000): Promise<Alert> {
    for (const end = Date.now() + limit; ; await sleep(20)) {
      const found = this.seen.find(test);
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error(`no alert of ${what} within ${limit} ms; last: ${this.#last()}`);
    }
  }

  #last(): string {
    return this.seen
      .slice(-5)
      .map(({ rule, message }) => `${rule}: ${message}`)
      .join("; ");
  }

  async close(): Promise<void> {
    await this.#bus.close();
  }
}

/** What the operator reads from the streams. */
export async function operator(world: World): Promise<OperatorBus> {
  return new OperatorBus(await connect("operator", hostConfig(world), { wait: 15_000 }));
}

/** How often each program was told of by stored alerts of exec-from-tmp, by its path; summaries left out. */
export async function countByBinary(bus: OperatorBus, since: Date, prefix: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const alert of bus.readAlerts({ since, follow: false })) {
    const { event } = alert as { event?: { process?: { binary?: string } } };
    const binary = event?.process?.binary ?? "";
    if (alert.rule !== "exec-from-tmp" || alert.summary === true || !binary.startsWith(prefix)) continue;
    counts.set(binary, (counts.get(binary) ?? 0) + 1);
  }
  return counts;
}
