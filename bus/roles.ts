import { encodeToken } from "./tokens.ts";

/** Who speaks on the bus. `reader` is everybody without credentials; `provisioner` makes streams and nothing else. */
export const ROLES = ["agent", "engine", "controller", "operator", "decider", "provisioner", "reader"] as const;
export type Role = (typeof ROLES)[number];

/** One user of the bus: a role, for agents of which node, for deciders under which name. */
export interface BusUser {
  role: Role;
  name: string | null;
}

/** `engine`, `agent-web-1`, `decider-ci`: the user's name in logs and in file names. */
export function userName(user: BusUser): string {
  return user.name === null ? user.role : `${user.role}-${encodeToken(user.name)}`;
}

/** Where the user gets replies; nobody else may subscribe there. */
export function inboxPrefix(user: BusUser): string {
  return user.name === null ? `_INBOX.${user.role}` : `_INBOX.${user.role}.${encodeToken(user.name)}`;
}
