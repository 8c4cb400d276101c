import { partitionOf, PARTITIONS } from "./partition.ts";
import { decodeToken, encodeToken } from "./tokens.ts";

/** Streams and buckets by what they hold. */
export const STREAMS = {
  events: "REEVE_EVENTS",
  alerts: "REEVE_ALERTS",
  decisions: "REEVE_DECISIONS",
  /** Desired entries that are too large for one message, in pieces. */
  large: "REEVE_LARGE",
} as const;
export const BUCKETS = {
  desired: "reeve_desired",
  status: "reeve_status",
  demand: "reeve_demand",
  rulesets: "reeve_rulesets",
  /** Which engines are there, to share the partitions out among them. */
  engines: "reeve_engines",
  /** What rules remember: windows in which findings are one, by partition. */
  windows: "reeve_windows",
} as const;

/** `reeve.events.<partition>.<kind>.<node>`. */
export function eventSubject(kind: string, node: string): string {
  return `reeve.events.${partitionOf(node)}.${encodeToken(kind)}.${encodeToken(node)}`;
}

export interface EventSubject {
  partition: number;
  kind: string;
  node: string;
}

/** The parts of an event subject; null for any other subject and for a node in a partition that is not its own. */
export function parseEventSubject(subject: string): EventSubject | null {
  const tokens = subject.split(".");
  if (tokens.length !== 5 || tokens[0] !== "reeve" || tokens[1] !== "events") return null;
  const partition = /^\d{1,2}$/.test(tokens[2]!) ? Number(tokens[2]) : PARTITIONS;
  const kind = decodeToken(tokens[3]!);
  const node = decodeToken(tokens[4]!);
  if (kind === null || node === null || partition !== partitionOf(node)) return null;
  return { partition, kind, node };
}

/** Where an engine publishes a finding: `reeve.findings.<severity>.<rule>`. Only stream REEVE_ALERTS reads it. */
export function findingSubject(severity: string, rule: string): string {
  return `reeve.findings.${encodeToken(severity)}.${encodeToken(rule)}`;
}

/** Where everybody reads it: `reeve.alerts.<severity>.<rule>`. Only stream REEVE_ALERTS publishes it. */
export function alertSubject(severity: string, rule: string): string {
  return `reeve.alerts.${encodeToken(severity)}.${encodeToken(rule)}`;
}

export function parseAlertSubject(subject: string): { severity: string; rule: string } | null {
  const names = namesAfter(subject, "alerts", 2);
  return names === null ? null : { severity: names[0]!, rule: names[1]! };
}

/**
 * An engine's decision: `reeve.decisions.<policy>`; one that came with the `decider` credentials of that name:
 * `reeve.decisions.<decider>.<policy>`. The permissions allow each its own, so the subject says truly who decided.
 */
export function decisionSubject(policy: string, decider: string | null = null): string {
  const who = decider === null ? "" : `${encodeToken(decider)}.`;
  return `reeve.decisions.${who}${encodeToken(policy)}`;
}

export interface DecisionSubject {
  policy: string;
  /** Name of the decider credentials; null for an engine of ours. */
  decider: string | null;
}

export function parseDecisionSubject(subject: string): DecisionSubject | null {
  const one = namesAfter(subject, "decisions", 1);
  if (one !== null) return { policy: one[0]!, decider: null };
  const two = namesAfter(subject, "decisions", 2);
  return two === null ? null : { decider: two[0]!, policy: two[1]! };
}

/** `reeve.control.<verb>`; verbs have dots of their own (`selectors.add`). */
export function controlSubject(verb: string): string {
  return `reeve.control.${verb}`;
}

/** Names of the streams behind buckets. */
export function kvStream(bucket: string): string {
  return `KV_${bucket}`;
}

export function objectStream(bucket: string): string {
  return `OBJ_${bucket}`;
}

/** Durable consumers. They are made by the provisioner; no other role may create one. */
export const CONSUMERS = {
  events: (partition: number): string => `engine_${partition}`,
  desiredAll: (node: string): string => `agent_${encodeToken(node)}_all`,
  desiredNode: (node: string): string => `agent_${encodeToken(node)}_node`,
  controller: "controller",
} as const;

/** Key of a desired-state entry: `all.<id>`, or `node.<node>.<id>` for one node. */
export function desiredKey(id: string, node: string | null = null): string {
  return node === null ? `all.${encodeToken(id)}` : `node.${encodeToken(node)}.${encodeToken(id)}`;
}

export function parseDesiredKey(key: string): { node: string | null; id: string } | null {
  const tokens = key.split(".");
  if (tokens.length === 2 && tokens[0] === "all") {
    const id = decodeToken(tokens[1]!);
    return id === null ? null : { node: null, id };
  }
  if (tokens.length !== 3 || tokens[0] !== "node") return null;
  const node = decodeToken(tokens[1]!);
  const id = decodeToken(tokens[2]!);
  return node === null || id === null ? null : { node, id };
}

/** Keys of KV reeve_status: `node.<node>`, `engine.<name>`, `controller`. */
export function nodeStatusKey(node: string): string {
  return `node.${encodeToken(node)}`;
}

export function engineStatusKey(name: string): string {
  return `engine.${encodeToken(name)}`;
}

/** Keys of KV reeve_demand: `engine.<name>`, `reader.<id>`. */
export function demandKey(family: "engine" | "reader", name: string): string {
  return `${family}.${encodeToken(name)}`;
}

export const CONTROLLER_STATUS_KEY = "controller";

function namesAfter(subject: string, family: string, count: number): string[] | null {
  const tokens = subject.split(".");
  if (tokens.length !== count + 2 || tokens[0] !== "reeve" || tokens[1] !== family) return null;
  const names: string[] = [];
  for (const token of tokens.slice(2)) {
    const name = decodeToken(token);
    if (name === null) return null;
    names.push(name);
  }
  return names;
}
