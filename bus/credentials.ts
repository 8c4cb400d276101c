import { createHmac } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./config/settings.ts";
import { BusError } from "./errors.ts";
import { userName, type BusUser, type Role } from "./roles.ts";

/** A credentials file: `seed` is the user's nkey (SU...), `inbox` the prefix of its replies. */
export interface Credentials {
  user: string;
  seed: string;
  inbox: string;
}

/** `bus.json` in the run directory: where the bus is, for programs of this host. */
export interface BusFile {
  url: string;
  pid?: number;
}

/** File of a user's credentials. The agent of this node is `agent.json`, that of another one `agent-<node>.json`. */
export function credentialsFile(config: Config, role: Role, name: string | null): string {
  const own = role === "agent" && name === config.node;
  return join(config.bus.credentials_dir, `${own ? role : userName({ role, name })}.json`);
}

export function busFile(config: Config): string {
  return join(config.run_dir, "bus.json");
}

/**
 * Credentials of a user; null when `bus.url` names a server that we have none for: one that asks nobody who they are.
 * @throws {BusError} `credentials`
 */
export function userCredentials(config: Config, user: BusUser): Credentials | null {
  const file = credentialsFile(config, user.role, user.name);
  if (user.role === "reader" || (config.bus.url !== "" && !existsSync(file))) return null;
  return readCredentials(file);
}

/** File of the token under which alerts are republished; only server and provisioner know it. */
export function secretFile(config: Config): string {
  return join(config.bus.credentials_dir, "publish.secret");
}

/** @throws {BusError} `credentials`, saying which file and what to do */
export function readCredentials(file: string): Credentials {
  const value = readJson(file) as Partial<Credentials> | null;
  if (typeof value?.seed !== "string" || typeof value.user !== "string" || typeof value.inbox !== "string") {
    throw new BusError("credentials", `${file} is not a credentials file: it must have user, seed and inbox`);
  }
  return value as Credentials;
}

/** The URL of the bus: as configured, else that of bus.json. @throws {BusError} `credentials` */
export function busUrl(config: Config): string {
  if (config.bus.url !== "") return config.bus.url;
  const value = readJson(busFile(config)) as Partial<BusFile> | null;
  if (typeof value?.url !== "string") throw new BusError("credentials", `${busFile(config)} has no url`);
  return value.url;
}

/**
 * The message id as it goes on the wire. Streams drop a second message of the same id whoever sent it, so ids are made
 * unguessable for others with the user's own key; the same id of the same user is always the same.
 */
export function wireMessageId(seed: string, id: string): string {
  return createHmac("sha256", seed).update(id).digest("base64url").slice(0, 27);
}

/** User of a role in this configuration: agents are those of `node`, deciders need a name. */
export function userOf(role: Role, name: string | null, config: Config): BusUser {
  if (role === "agent") return { role, name: name ?? config.node };
  return { role, name: role === "decider" ? name : null };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const what = missing
      ? "is not there: is `reeve up` running with this run_dir?"
      : `cannot be read: ${(cause as Error).message}`;
    throw new BusError("credentials", `${file} ${what}`, { cause });
  }
}
