import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { choosePort } from "../../bus/server/ports.ts";
import type { Engine } from "./engine/engine.ts";
import { noteTree } from "./engine/leftover.ts";
import { must, run, type Ran } from "./engine/run.ts";

/** Nodes whose recorded events are played. */
export const OTHER_NODES = Array.from({ length: 8 }, (_, n) => `recorded-${n + 1}`);
export const PROJECT = "reeve";

export interface ContainerInfo {
  Id: string;
  Name: string;
  State: { Status: string; ExitCode: number; Pid: number; Health?: { Status: string } };
  Config: { User: string; Labels: Record<string, string> };
  HostConfig: {
    ReadonlyRootfs: boolean;
    Privileged: boolean;
    CapAdd: string[] | null;
    CapDrop: string[] | null;
    PidMode: string;
    CgroupnsMode: string;
    Init: boolean | null;
    SecurityOpt: string[] | null;
  };
}

/** A copy of the tree as a clean clone would be, with docker-compose.yml as it is shipped, on free ports. */
export class World {
  readonly engine: Engine;
  readonly tree: string;
  readonly busUrl: string;
  readonly shopUrl: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(engine: Engine, tree: string, busPort: number, shopPort: number) {
    this.engine = engine;
    this.tree = tree;
    this.busUrl = `nats://127.0.0.1:${busPort}`;
    this.shopUrl = `http://127.0.0.1:${shopPort}/`;
    const certificates = process.env["NODE_EXTRA_CA_CERTS"] ?? process.env["SSL_CERT_FILE"] ?? "";
    this.#env = {
      ...engine.env,
      REEVE_BUS_PORT: String(busPort),
      SHOP_PORT: String(shopPort),
      REEVE_BUS_NODES: OTHER_NODES.join(","),
      ...(existsSync(certificates) ? { BUILD_CERTIFICATES: certificates } : {}),
    };
  }

  static async make(engine: Engine, repo: string): Promise<World> {
    const tree = mkdtempSync(join(tmpdir(), "reeve-compose-"));
    if (engine.own) noteTree(dirname(engine.socket), tree);
    try {
      await copyTree(repo, tree);
      const [bus, shop] = [await choosePort([]), await choosePort([])];
      return new World(engine, tree, bus, shop);
    } catch (error) {
      rmSync(tree, { recursive: true, force: true });
      throw error;
    }
  }

  /** `docker compose`, with the profile demo. */
  async compose(args: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const all = ["compose", "--progress", "plain", "--profile", "demo", ...args];
    return await must("docker", all, { cwd: this.tree, env: { ...this.#env, ...env }, limit: 1_500_000 });
  }

  async docker(args: string[]): Promise<Ran> {
    return await run("docker", args, { env: this.engine.env });
  }

  /** `reeve` of the copy, as somebody on the host types it. */
  async reeve(args: string[]): Promise<Ran> {
    const env: NodeJS.ProcessEnv = { ...this.engine.env };
    for (const name of Object.keys(env)) if (name.startsWith("REEVE_")) delete env[name];
    return await run(join(this.tree, "bin/reeve"), args, { env, cwd: "/", limit: 30_000 });
  }

  async status(): Promise<Status> {
    const { status, stdout, stderr } = await this.reeve(["status", "-o", "json"]);
    if (status !== 0) throw new Error(`reeve status: ${stderr}`);
    return JSON.parse(stdout) as Status;
  }

  /** A command in the container of a service. */
  async exec(service: string, command: string[]): Promise<Ran> {
    const args = ["compose", "--profile", "demo", "exec", "-T", service, ...command];
    return await run("docker", args, { cwd: this.tree, env: this.#env, limit: 60_000 });
  }

  async containers(): Promise<ContainerInfo[]> {
    const { stdout } = await this.docker(["ps", "-aq", "--filter", `label=com.docker.compose.project=${PROJECT}`]);
    const ids = stdout.split("\n").filter(Boolean);
    return ids.length === 0 ? [] : (JSON.parse((await this.docker(["inspect", ...ids])).stdout) as ContainerInfo[]);
  }

  /** The containers of a service. */
  async of(service: string): Promise<ContainerInfo[]> {
    return (await this.containers()).filter((it) => it.Config.Labels["com.docker.compose.service"] === service);
  }

  /** Until every service with a health check is healthy. @throws Error with what each is, and what it said */
  async healthy(limit = 90_000): Promise<void> {
    for (const end = Date.now() + limit; ; await sleep(250)) {
      const all = await this.containers();
      const sick = all.filter(({ State }) => State.Health !== undefined && State.Health.Status !== "healthy");
      const dead = all.filter(({ State }) => State.Status !== "running" && State.ExitCode !== 0);
      if (all.length > 0 && sick.length === 0 && dead.length === 0) return;
      if (Date.now() < end && dead.length === 0) continue;
      const logs = await Promise.all([...sick, ...dead].map(({ Id }) => this.docker(["logs", "--tail", "15", Id])));
      const said = logs.map(({ stdout, stderr }) => stdout + stderr).join("\n");
      const states = all.map(({ Name, State }) => `${Name} ${State.Health?.Status ?? State.Status}`);
      throw new Error(`not well within ${limit} ms: ${states.join(", ")}\n${said}`);
    }
  }

  remove(): void {
    rmSync(this.tree, { recursive: true, force: true });
  }
}

/** What a clone would have, as it is now, saved or not. */
async function copyTree(repo: string, tree: string): Promise<void> {
  const files = await must("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: repo });
  for (const file of files.split("\0").filter((name) => name !== "" && existsSync(join(repo, name)))) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(repo, file), join(tree, file));
  }
  symlinkSync(join(repo, "node_modules"), join(tree, "node_modules"));
}

/** What of `reeve status -o json` is looked at. */
export interface Status {
  nodes: { node: string; state: string; losses: unknown; hooks: { hook: string; attached: boolean; idle?: true }[] }[];
  engines: { name: string; state: string; time: string; partitions: number[]; counters: Record<string, number> }[];
  controller: { ruleset: { state: string; digest: string | null } } | null;
}
