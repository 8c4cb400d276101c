import type { BusUser } from "../roles.ts";
import { accountOf, feedsOf, HOME, SERVICES } from "./accounts.ts";
import { grantOf } from "./grants.ts";
import { bracketed } from "./ports.ts";

/** What nats.conf is made of. Users have the public half of their key; the reader has none. */
export interface ConfOptions {
  /** Address to listen on; monitoring stays on loopback. */
  host: string;
  port: number;
  monitorPort: number;
  storeDir: string;
  users: { user: BusUser; publicKey: string }[];
  /** Token under which alerts are republished within HOME. */
  secret: string;
}

/** Largest message. A batch of 64 events with long arguments stays below it. */
export const MAX_PAYLOAD = 4 * 1024 * 1024;

/** The text of nats.conf. JSON is a subset of its language. */
export function renderConf(options: ConfOptions): string {
  const accounts: Record<string, unknown> = { [HOME]: homeAccount(options) };
  for (const account of Object.keys(SERVICES)) accounts[account] = otherAccount(account, options);
  const conf = {
    server_name: "reeve",
    listen: `${bracketed(options.host)}:${options.port}`,
    ...(options.monitorPort > 0 ? { http: `127.0.0.1:${options.monitorPort}` } : {}),
    max_payload: MAX_PAYLOAD,
    max_pending: 64 * 1024 * 1024,
    write_deadline: "10s",
    jetstream: { store_dir: options.storeDir, sync_interval: "1s" },
    accounts,
    no_auth_user: "reader",
  };
  return `# Made by reeve; written anew at every start.\n${JSON.stringify(conf, null, 1)}\n`;
}

function homeAccount(options: ConfOptions): Record<string, unknown> {
  const exported = new Map<string, { many: boolean; accounts: string[] }>();
  for (const [account, services] of Object.entries(SERVICES)) {
    for (const { subject, many } of services) {
      const known = exported.get(subject);
      if (known === undefined) exported.set(subject, { many, accounts: [account] });
      else known.accounts.push(account);
    }
  }
  const exports: unknown[] = [...exported].map(([service, { many, accounts }]) => ({
    service,
    response_type: many ? "stream" : "singleton",
    accounts,
  }));
  for (const [stream, accounts] of feeds(options.secret)) exports.push({ stream, accounts });
  return { jetstream: "enabled", users: usersOf(HOME, options), exports };
}

function feeds(secret: string): Map<string, string[]> {
  const bySubject = new Map<string, string[]>();
  for (const account of Object.keys(SERVICES)) {
    for (const { subject } of feedsOf(account, secret))
      bySubject.set(subject, [...(bySubject.get(subject) ?? []), account]);
  }
  return bySubject;
}

function otherAccount(account: string, options: ConfOptions): Record<string, unknown> {
  const services = (SERVICES[account] ?? []).map(({ subject }) => ({ service: { account: HOME, subject } }));
  const streams = feedsOf(account, options.secret).map(({ subject, to }) => ({
    stream: { account: HOME, subject },
    to,
  }));
  return { users: usersOf(account, options), imports: [...services, ...streams] };
}

function usersOf(account: string, options: ConfOptions): unknown[] {
  const users: unknown[] = options.users
    .filter(({ user }) => accountOf(user.role) === account)
    .map(({ user, publicKey }) => ({ nkey: publicKey, permissions: permissions(user) }));
  if (accountOf("reader") !== account) return users;
  return [...users, { user: "reader", password: "", permissions: permissions({ role: "reader", name: null }) }];
}

function permissions(user: BusUser): Record<string, unknown> {
  const grant = grantOf(user);
  const publish =
    grant.publish.length === 0
      ? { deny: [">"] }
      : { allow: grant.publish, ...(grant.deny.length === 0 ? {} : { deny: grant.deny }) };
  return {
    publish,
    subscribe: { allow: grant.subscribe },
    ...(grant.responds ? { allow_responses: { max: 1, expires: "2m" } } : {}),
  };
}
