import type { Role } from "../roles.ts";
import { BUCKETS, kvStream, objectStream, STREAMS } from "../subjects.ts";
import { OPERATOR_READS } from "./grants.ts";

/** The account that has the streams. Only provisioner and controller are in it. */
export const HOME = "REEVE";

/*
 * Why accounts: NATS lets a client name any reply subject, and the server answers there. In one account an agent could
 * have an acknowledgement land in another node's desired state, or on reeve.alerts, by a reply subject alone. A service
 * import rewrites the reply, so it stays in the account that asked.
 */

/** A subject that an account reaches in HOME. `many`: it answers with more than one message. */
export interface Service {
  subject: string;
  many: boolean;
}

const API = "$JS.API";
const one = (subject: string): Service => ({ subject, many: false });
const many = (subject: string): Service => ({ subject, many: true });
const direct = (stream: string): Service[] => [
  many(`${API}.DIRECT.GET.${stream}`),
  one(`${API}.DIRECT.GET.${stream}.>`),
];

/** What each account outside HOME may ask of it. The users' grants narrow it down. */
export const SERVICES: Readonly<Record<string, readonly Service[]>> = {
  AGENTS: [
    one("reeve.events.*.*.*"),
    one(`$KV.${BUCKETS.status}.node.*`),
    one(`${API}.CONSUMER.RESET.${kvStream(BUCKETS.desired)}.*`),
    many(`${API}.CONSUMER.MSG.NEXT.${kvStream(BUCKETS.desired)}.*`),
    one(`${API}.DIRECT.GET.${STREAMS.large}.>`),
  ],
  ENGINES: [
    one("reeve.findings.*.*"),
    one("reeve.decisions.*"),
    one(`$KV.${BUCKETS.status}.engine.*`),
    one(`$KV.${BUCKETS.demand}.engine.*`),
    many(`${API}.CONSUMER.MSG.NEXT.${STREAMS.events}.*`),
    one(`$JS.ACK.${STREAMS.events}.>`),
    ...direct(objectStream(BUCKETS.rulesets)),
    one(`$KV.${BUCKETS.engines}.*`),
    ...direct(kvStream(BUCKETS.engines)),
  ],
  OPERATORS: [
    one("reeve.control.>"),
    one(`$O.${BUCKETS.rulesets}.C.*`),
    one(`$O.${BUCKETS.rulesets}.M.*`),
    one(`$KV.${BUCKETS.demand}.reader.*`),
    ...OPERATOR_READS.flatMap(direct),
  ],
  DECIDERS: [one("reeve.decisions.*.*")],
  READERS: [],
};

/** A subject whose messages an account sees; `to` is what it is called there. */
export interface Feed {
  subject: string;
  to: string;
}

/** What is published to other accounts. `secret` is the token under which REEVE_ALERTS republishes: nobody can guess it. */
export function feedsOf(account: string, secret: string): Feed[] {
  if (account === "READERS" || account === "OPERATORS") {
    return [{ subject: `reeve.published.${secret}.*.*`, to: "reeve.alerts.$1.$2" }];
  }
  return account === "ENGINES" ? [{ subject: "reeve.rulesets.*", to: "reeve.rulesets.$1" }] : [];
}

const BY_ROLE: Readonly<Record<Role, string>> = {
  agent: "AGENTS",
  engine: "ENGINES",
  operator: "OPERATORS",
  decider: "DECIDERS",
  reader: "READERS",
  controller: HOME,
  provisioner: HOME,
};

export function accountOf(role: Role): string {
  return BY_ROLE[role];
}
