import type { Config } from "./config/settings.ts";
import { CURRENT_RULE_SET } from "./object-names.ts";
import { PARTITIONS } from "./partition.ts";
import { BUCKETS, CONSUMERS, kvStream, objectStream, STREAMS } from "./subjects.ts";

/**
 * How long the messages of an engine or controller that died wait for another, in ms; one that lives says more often that it
 * is at work (unfinished.ts). And how often an event is given out: also to an engine that is stopped and asked before it was.
 */
export const ACK_WAIT = 5_000;
export const MAX_DELIVER = 60;

const NS = 1_000_000;
const MB = 1024 * 1024;
const EVENTS_DUPLICATE_WINDOW = 120_000;
const DEMAND_AGE = 60_000;
/** What an engine that is gone leaves behind ends by itself. */
const ENGINES_AGE = 30_000;

/** Every stream, as JetStream's API takes it (times in ns). `secret`: see server/accounts.ts; null: alerts are republished openly. */
export function streamConfigs(config: Config, secret: string | null): Record<string, unknown>[] {
  const { bus } = config;
  return [
    {
      ...bounded(STREAMS.events, ["reeve.events.*.*.*"], bus.events_max_bytes, bus.events_max_age),
      duplicate_window: Math.min(EVENTS_DUPLICATE_WINDOW, bus.events_max_age) * NS,
    },
    {
      // A finding is stored under its public name and republished from there: what was stored already is published to nobody.
      ...bounded(STREAMS.alerts, ["reeve.findings.*.*"], bus.alerts_max_bytes, bus.alerts_max_age),
      duplicate_window: bus.duplicate_window * NS,
      subject_transform: { src: "reeve.findings.>", dest: "reeve.alerts.>" },
      republish: { src: "reeve.alerts.>", dest: secret === null ? "reeve.alerts.>" : `reeve.published.${secret}.>` },
    },
    {
      ...bounded(
        STREAMS.decisions,
        ["reeve.decisions.*", "reeve.decisions.*.*"],
        bus.decisions_max_bytes,
        bus.decisions_max_age,
      ),
      duplicate_window: bus.duplicate_window * NS,
    },
    { ...bounded(STREAMS.large, ["reeve.large.>"], 1024 * MB, 0), max_msgs_per_subject: 1 },
    // Markers of deleted keys end by themselves.
    { ...bucket(BUCKETS.desired, 256 * MB, 0), allow_msg_ttl: true },
    { ...bucket(BUCKETS.status, 256 * MB, 0), allow_msg_ttl: true },
    bucket(BUCKETS.demand, 64 * MB, DEMAND_AGE),
    bucket(BUCKETS.engines, 4 * MB, ENGINES_AGE),
    {
      ...bounded(
        objectStream(BUCKETS.rulesets),
        [`$O.${BUCKETS.rulesets}.C.>`, `$O.${BUCKETS.rulesets}.M.>`],
        1024 * MB,
        0,
      ),
      discard: "new",
      republish: {
        src: `$O.${BUCKETS.rulesets}.M.${CURRENT_RULE_SET}`,
        dest: "reeve.rulesets.current",
        headers_only: true,
      },
    },
  ];
}

/** Every durable consumer, with its stream. */
export function consumerConfigs(config: Config): { stream: string; config: Record<string, unknown> }[] {
  const events = Array.from({ length: PARTITIONS }, (_, partition) => ({
    stream: STREAMS.events as string,
    config: acknowledged(CONSUMERS.events(partition), `reeve.events.${partition}.*.*`),
  }));
  const desired = kvStream(BUCKETS.desired);
  const nodes = new Set([config.node, ...config.bus.nodes]);
  const agents = [...nodes].flatMap((node) => {
    const own = CONSUMERS.desiredNode(node);
    const token = own.slice("agent_".length, -"_node".length);
    return [
      { stream: desired, config: rereadable(CONSUMERS.desiredAll(node), `$KV.${BUCKETS.desired}.all.*`) },
      { stream: desired, config: rereadable(own, `$KV.${BUCKETS.desired}.node.${token}.*`) },
    ];
  });
  const controller = [BUCKETS.desired, BUCKETS.status, BUCKETS.demand].map((name) => ({
    stream: kvStream(name),
    config: rereadable(CONSUMERS.controller, `$KV.${name}.>`),
  }));
  // Without a limit: the controller ends each by itself, and one that waits for a bus that fails must not be forgotten.
  const decisions = {
    stream: STREAMS.decisions as string,
    config: { ...acknowledged(CONSUMERS.controller, "reeve.decisions.>"), max_deliver: -1 },
  };
  return [...events, ...agents, ...controller, decisions];
}

function bounded(name: string, subjects: string[], maxBytes: number, maxAge: number): Record<string, unknown> {
  return {
    name,
    subjects,
    retention: "limits",
    storage: "file",
    discard: "old",
    max_bytes: maxBytes,
    max_age: maxAge * NS,
    allow_direct: true,
    // With rollups a single message could empty a stream.
    allow_rollup_hdrs: false,
    num_replicas: 1,
  };
}

function bucket(name: string, maxBytes: number, maxAge: number): Record<string, unknown> {
  return {
    ...bounded(kvStream(name), [`$KV.${name}.>`], maxBytes, maxAge),
    discard: "new",
    max_msgs_per_subject: 1,
  };
}

function acknowledged(name: string, filter: string): Record<string, unknown> {
  return {
    durable_name: name,
    filter_subject: filter,
    deliver_policy: "all",
    ack_policy: "explicit",
    ack_wait: ACK_WAIT * NS,
    max_deliver: MAX_DELIVER,
    max_ack_pending: 1000,
  };
}

function rereadable(name: string, filter: string): Record<string, unknown> {
  return { durable_name: name, filter_subject: filter, deliver_policy: "all", ack_policy: "none" };
}
