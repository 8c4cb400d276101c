import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { nkeys } from "nats";
import type { Config } from "../config/settings.ts";
import { credentialsFile, readCredentials } from "../credentials.ts";
import { inboxPrefix, userName, type BusUser, type Role } from "../roles.ts";

/** A user of the bus with the public half of its key. */
export interface KeyedUser {
  user: BusUser;
  publicKey: string;
}

/** Who a file is for. */
export interface Owner {
  uid: number;
  gid: number;
}

/** Everybody who gets credentials under this configuration. */
export function busUsers(config: Config): BusUser[] {
  const single: Role[] = ["engine", "controller", "operator", "provisioner"];
  const nodes = new Set([config.node, ...config.bus.nodes]);
  return [
    ...[...nodes].map((name): BusUser => ({ role: "agent", name })),
    ...single.map((role): BusUser => ({ role, name: null })),
    ...Object.keys(config.controller.deciders).map((name): BusUser => ({ role: "decider", name })),
  ];
}

/**
 * Makes the credentials that are not there yet, random, each readable only by who needs it: engine and controller by
 * `service`, all others by whoever runs this. Those that are there are used again.
 */
export function ensureCredentials(config: Config, service: Owner | null): KeyedUser[] {
  mkdirSync(config.bus.credentials_dir, { recursive: true });
  chmodSync(config.bus.credentials_dir, 0o711);
  return busUsers(config).map((user) => {
    const file = credentialsFile(config, user.role, user.name);
    const seed = existsSync(file) ? readCredentials(file).seed : newSeed();
    const owner = user.role === "engine" || user.role === "controller" ? service : null;
    writePrivate(file, `${JSON.stringify({ user: userName(user), seed, inbox: inboxPrefix(user) })}\n`, owner);
    // The bare seed too, as programs outside of Reeve want it (`nats --nkey FILE`).
    if (user.role === "decider") writePrivate(file.replace(/json$/, "nk"), `${seed}\n`, null);
    return { user, publicKey: nkeys.fromSeed(Buffer.from(seed)).getPublicKey() };
  });
}

function newSeed(): string {
  return Buffer.from(nkeys.createUser().getSeed()).toString("latin1");
}

/** A token of 128 random bits, as hex. */
export function newSecret(): string {
  return randomBytes(16).toString("hex");
}

/** Writes a file of mode 0600 in one step, owned by `owner`, or by whoever runs this. */
export function writePrivate(file: string, text: string, owner: Owner | null, mode = 0o600): void {
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, text, { mode });
  chmodSync(fresh, mode);
  if (owner !== null) chownSync(fresh, owner.uid, owner.gid);
  renameSync(fresh, file);
}
