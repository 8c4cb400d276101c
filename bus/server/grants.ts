import { CURRENT_RULE_SET } from "../object-names.ts";
import { partitionOf, PARTITIONS } from "../partition.ts";
import { inboxPrefix, type BusUser } from "../roles.ts";
import { BUCKETS, CONSUMERS, kvStream, objectStream, STREAMS } from "../subjects.ts";
import { encodeToken } from "../tokens.ts";

/** What one user may publish and subscribe to; all else is refused by the server. */
export interface Grant {
  publish: string[];
  deny: string[];
  subscribe: string[];
  /** May answer whoever asked, once. */
  responds: boolean;
}

const API = "$JS.API";
const DESIRED = kvStream(BUCKETS.desired);
const STATUS = kvStream(BUCKETS.status);
const DEMAND = kvStream(BUCKETS.demand);
const RULESETS = objectStream(BUCKETS.rulesets);

/** Streams that an operator may read, by direct get alone: it makes no consumer and can change none. */
export const OPERATOR_READS = [
  STREAMS.events,
  STREAMS.alerts,
  STREAMS.decisions,
  STREAMS.large,
  DESIRED,
  STATUS,
  DEMAND,
  RULESETS,
] as const;

/** The exact subjects of a user. */
export function grantOf(user: BusUser): Grant {
  const inbox = `${inboxPrefix(user)}.>`;
  const none: Grant = { publish: [], deny: [], subscribe: [inbox], responds: false };
  const name = encodeToken(user.name ?? "");
  switch (user.role) {
    case "agent":
      return { ...none, publish: agentPublishes(user.name ?? "", name) };
    case "engine":
      return { ...none, publish: enginePublishes(), subscribe: [inbox, "reeve.rulesets.*"] };
    case "controller":
      return { ...none, publish: controllerPublishes(), subscribe: [inbox, "reeve.control.>"], responds: true };
    case "operator":
      return {
        ...none,
        publish: operatorPublishes(),
        deny: [`$O.${BUCKETS.rulesets}.M.${CURRENT_RULE_SET}`],
        subscribe: [inbox, "reeve.alerts.>"],
      };
    case "decider":
      return { ...none, publish: [`reeve.decisions.${name}.*`] };
    case "provisioner":
      return { ...none, publish: [`${API}.>`] };
    default:
      return { ...none, subscribe: ["reeve.alerts.>"] };
  }
}

function agentPublishes(node: string, token: string): string[] {
  const reads = [CONSUMERS.desiredAll(node), CONSUMERS.desiredNode(node)].flatMap((consumer) =>
    rereads(DESIRED, consumer),
  );
  return [
    `reeve.events.${partitionOf(node)}.*.${token}`,
    `$KV.${BUCKETS.status}.node.${token}`,
    ...reads,
    `${API}.DIRECT.GET.${STREAMS.large}.reeve.large.all.>`,
    `${API}.DIRECT.GET.${STREAMS.large}.reeve.large.node.${token}.>`,
  ];
}

function enginePublishes(): string[] {
  const events = Array.from({ length: PARTITIONS }, (_, partition) =>
    reads(STREAMS.events, CONSUMERS.events(partition)),
  );
  return [
    "reeve.findings.*.*",
    "reeve.decisions.*",
    `$KV.${BUCKETS.status}.engine.*`,
    `$KV.${BUCKETS.demand}.engine.*`,
    ...events.flat(),
    ...gets(RULESETS),
    `$KV.${BUCKETS.engines}.*`,
    ...gets(kvStream(BUCKETS.engines)),
  ];
}

function controllerPublishes(): string[] {
  return [
    `$KV.${BUCKETS.desired}.>`,
    `$KV.${BUCKETS.status}.${CONSUMERS.controller}`,
    `$O.${BUCKETS.rulesets}.>`,
    "reeve.large.>",
    ...reads(STREAMS.decisions, CONSUMERS.controller),
    ...[DESIRED, STATUS, DEMAND].flatMap((stream) => rereads(stream, CONSUMERS.controller)),
    ...[DESIRED, STATUS, DEMAND, RULESETS, STREAMS.large].flatMap(gets),
    `${API}.STREAM.PURGE.${RULESETS}`,
    `${API}.STREAM.PURGE.${STREAMS.large}`,
  ];
}

function operatorPublishes(): string[] {
  return [
    "reeve.control.>",
    `$O.${BUCKETS.rulesets}.C.*`,
    `$O.${BUCKETS.rulesets}.M.*`,
    `$KV.${BUCKETS.demand}.reader.*`,
    ...OPERATOR_READS.flatMap(gets),
  ];
}

/** Take and acknowledge messages of a durable consumer. */
function reads(stream: string, consumer: string): string[] {
  return [`${API}.CONSUMER.MSG.NEXT.${stream}.${consumer}`, `$JS.ACK.${stream}.${consumer}.>`];
}

/** Take messages of a durable consumer without acknowledging, and from the beginning again. */
function rereads(stream: string, consumer: string): string[] {
  return [`${API}.CONSUMER.MSG.NEXT.${stream}.${consumer}`, `${API}.CONSUMER.RESET.${stream}.${consumer}`];
}

/** Read stored messages. */
function gets(stream: string): string[] {
  return [`${API}.DIRECT.GET.${stream}`, `${API}.DIRECT.GET.${stream}.>`];
}
