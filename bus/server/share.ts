import { chownSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Config } from "../config/settings.ts";
import { credentialsFile } from "../credentials.ts";
import type { BusUser } from "../roles.ts";
import { renderConf } from "./conf.ts";
import { busUsers, ensureCredentials, writePrivate, type KeyedUser, type Owner } from "./keys.ts";
import { chownAll, ensureSecret } from "./prepare.ts";

export interface ShareOptions {
  config: Config;
  /** Where the parts' directories lie: `nats`, `data`, `agent`, `engine`, `controller`. */
  dir: string;
  /** Directory of the host in which `reeve` looks for the bus: gets `bus.json` and the credentials of people, deciders and agents of other hosts. */
  hostDir: string;
  /** Where the bus is for programs of the host. */
  hostUrl: string;
}

/**
 * What containers need of a bus that one of them runs, each in a directory of its own, so that none sees what is another's:
 * nats.conf and a place for the streams, and the credentials of each role. Credentials that are there already stay.
 * @returns the users that the bus knows
 */
export function shareBus(options: ShareOptions): KeyedUser[] {
  const { config, dir, hostDir } = options;
  const service: Owner = { uid: config.user.uid, gid: config.user.gid };
  const users = ensureCredentials(config, service);
  const storeDir = join(config.data_dir, "nats");
  const conf = renderConf({
    ...{ port: config.bus.port, host: config.bus.host, monitorPort: config.bus.monitor_port },
    ...{ storeDir, users, secret: ensureSecret(config) },
  });
  writePrivate(join(dir, "nats/nats.conf"), conf, service);
  chownAll(join(dir, "data"), service);
  for (const { user } of users) {
    if (user.role === "engine" || user.role === "controller") give(config, user, join(dir, user.role), service);
    if (isAgentHere(config, user)) give(config, user, join(dir, "agent"), null);
  }
  shareWithHost(config, hostDir, options.hostUrl);
  return users;
}

/** The host's directory belongs to whoever has the clone: that person may read what lies there. */
function shareWithHost(config: Config, hostDir: string, url: string): void {
  const { uid, gid } = statSync(hostDir);
  const credentials = join(hostDir, "credentials");
  mkdirSync(credentials, { recursive: true, mode: 0o700 });
  chownSync(credentials, uid, gid);
  for (const user of busUsers(config)) {
    const service = user.role === "engine" || user.role === "controller" || user.role === "provisioner";
    if (!service && !isAgentHere(config, user)) give(config, user, credentials, { uid, gid });
  }
  writePrivate(join(hostDir, "bus.json"), `${JSON.stringify({ url })}\n`, { uid, gid }, 0o644);
}

function isAgentHere(config: Config, { role, name }: BusUser): boolean {
  return role === "agent" && name === config.node;
}

function give(config: Config, user: BusUser, into: string, owner: Owner | null): void {
  const file = credentialsFile(config, user.role, user.name);
  for (const from of [file, file.replace(/json$/, "nk")]) {
    if (existsSync(from)) writePrivate(join(into, basename(from)), readFileSync(from, "utf8"), owner);
  }
}
