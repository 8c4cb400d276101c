import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, type ConfigFlags } from "../../bus/config/load.ts";
import type { Config } from "../../bus/config/settings.ts";
import { connect, type BusConnection, type ConnectOptions } from "../../bus/connection.ts";
import { provision } from "../../bus/provision.ts";
import type { Role } from "../../bus/roles.ts";
import { ensureSecret } from "../../bus/server/prepare.ts";
import { startServer, type RunningServer } from "../../bus/server/start.ts";
import { patience } from "../pace.ts";

/** A bus of its own: a real nats-server on a free port, with its files in a directory that `stop` removes. */
export interface TestBus {
  config: Config;
  server: RunningServer;
  connect(role: Role, name?: string, options?: ConnectOptions): Promise<BusConnection>;
  /** Ends the server at once (as a crash does) or in order, and starts it again on the same port. */
  restart(how: "kill" | "stop", downFor?: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startBus(flags: ConfigFlags = {}): Promise<TestBus> {
  const dir = mkdtempSync(join(tmpdir(), "reeve-bus-"));
  chmodSync(dir, 0o755);
  const config = loadConfig(
    { node: "web-1", run_dir: join(dir, "run"), data_dir: join(dir, "data"), "bus.port": 0, ...flags },
    {},
  );
  const open: BusConnection[] = [];
  const bus: TestBus = {
    config,
    server: await startServer({ config }),
    async connect(role, name, options = {}) {
      const connection = await connect(role, config, { ...(name === undefined ? {} : { name }), ...options });
      open.push(connection);
      return connection;
    },
    async restart(how, downFor = 0) {
      if (how === "kill") process.kill(bus.server.pid, "SIGKILL");
      else await bus.server.stop();
      await bus.server.exited;
      await new Promise((resolve) => setTimeout(resolve, downFor));
      const { port } = bus.server;
      bus.server = await startServer({ config });
      if (bus.server.port !== port) throw new Error(`port ${port} was taken while the bus was away`);
    },
    async stop() {
      await Promise.all(open.map((connection) => connection.close()));
      await bus.server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  const provisioner = await bus.connect("provisioner");
  await provision(provisioner, config, ensureSecret(config));
  return bus;
}

/** Waits until a condition holds. */
export async function until(holds: () => boolean | Promise<boolean>, limit = 10_000): Promise<void> {
  for (const end = Date.now() + patience(limit); !(await holds());) {
    if (Date.now() > end) throw new Error(`not so within ${limit} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Everything that an async iterable gives. */
export async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of from) items.push(item);
  return items;
}
