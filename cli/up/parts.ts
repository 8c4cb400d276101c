import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../bus/config/settings.ts";
import type { ChildSpec } from "./child.ts";
import { privileged, unprivileged } from "./launch.ts";
import type { Mount } from "./mounts.ts";
import type { View } from "./view.ts";

export interface PartsOptions {
  config: Config;
  repo: string;
  /** The configuration in force, written for the children. */
  configFile: string;
  view: View;
}

/** The agent makes much that lives for a moment only: a small nursery costs it nothing and saves some 40 MB in a storm. */
export const AGENT_HEAP = "--max-semi-space-size=2";

/** How each process of `reeve up` is started: the agent as root, the others without any right. */
export class Parts {
  readonly #options: PartsOptions;

  constructor(options: PartsOptions) {
    this.#options = options;
  }

  agent(): ChildSpec {
    const [node = process.execPath, ...rest] = this.#run("agent");
    return { ...this.#node("agent"), command: privileged([node, AGENT_HEAP, ...rest], process.pid), stopMs: 10_000 };
  }

  engine(): ChildSpec {
    return this.#service("engine");
  }

  controller(): ChildSpec {
    const spec = this.#service("controller");
    for (const { token_env, password_env } of Object.values(this.#options.config.rules.bundle_servers))
      for (const name of [token_env, password_env])
        if (name !== "" && process.env[name] !== undefined) spec.env[name] = process.env[name];
    return spec;
  }

  /** @param probe resolves when the server greets */
  busServer(command: readonly string[], probe: (signal: AbortSignal) => Promise<void>): ChildSpec {
    const { config } = this.#options;
    // It needs nobody's credentials: it knows their public halves.
    const covers = [config.bus.credentials_dir];
    return {
      ...{ name: "nats-server", env: {}, cwd: "/", reports: false, probe, stopMs: 12_000 },
      command: this.#without(command, "nats-server", [], covers),
    };
  }

  #service(part: "engine" | "controller"): ChildSpec {
    const { config } = this.#options;
    // One uid runs them all, so what belongs to the others is not shown: credentials, the server's keys and its store.
    const own = join(config.bus.credentials_dir, `${part}.json`);
    const hidden: Mount = { to: join(config.run_dir, "nats.conf"), from: "/dev/null", writable: false };
    const external = config.bus.url !== "";
    const mounts: Mount[] = external ? [] : [hidden];
    // A bus that asks nobody who they are needs none.
    if (!external || existsSync(own)) mounts.push({ to: own, from: own, writable: false });
    const covers = external
      ? [config.bus.credentials_dir].filter((dir) => existsSync(dir))
      : [config.bus.credentials_dir, join(config.data_dir, "nats")];
    return { ...this.#node(part), command: this.#without(this.#run(part), part, mounts, covers), stopMs: 10_000 };
  }

  #node(name: string): Omit<ChildSpec, "command" | "stopMs"> {
    const { repo, config } = this.#options;
    const env: NodeJS.ProcessEnv = {
      PATH: `${join(repo, ".reeve/bin")}:${process.env["PATH"] ?? "/usr/bin:/bin"}`,
      HOME: join(config.run_dir, "tmp"),
      TMPDIR: join(config.run_dir, "tmp"),
    };
    for (const kept of ["LANG", "LC_ALL", "TZ", "REEVE_DEBUG"]) if (process.env[kept]) env[kept] = process.env[kept];
    return { name, env, cwd: "/", reports: true };
  }

  #run(part: string): string[] {
    const { repo, configFile } = this.#options;
    return [process.execPath, join(repo, "cli/main.ts"), "run", part, "--config", configFile];
  }

  #without(command: readonly string[], name: string, mounts: Mount[], covers: string[]): [string, ...string[]] {
    const { config, view } = this.#options;
    return unprivileged(command, {
      uid: config.user.uid,
      gid: config.user.gid,
      supervisorPid: process.pid,
      stage: join(config.run_dir, `.stage-${name}`),
      mounts: [...view.mounts, ...mounts],
      covers: [...view.covers, ...covers],
    });
  }
}
