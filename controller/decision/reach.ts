import { parseEventId } from "../../bus/ids.ts";
import type { Decision } from "../../bus/types/decision.ts";
import type { Problem } from "../problems.ts";
import { quote } from "../problems.ts";

/** Which nodes a decision is for: `null` is all of them. */
export type Reach = string[] | null;

/**
 * A decision caused by an event of node X applies to X, unless it says `fleet: true`. One without a cause has to name
 * its nodes, or say that it means all: nothing becomes fleet-wide by leaving something out.
 */
export function reachOf(decision: Decision): Reach | Problem {
  const named = decision.scope?.nodes;
  const all = named?.includes("*") ?? false;
  if (decision.fleet === true) return named === undefined || all ? null : unique(named);
  if (all) {
    return { field: "scope.nodes", message: 'is "*" without fleet: true', allowed: "names of nodes, or fleet: true" };
  }
  const cause = causeNode(decision);
  if (cause === undefined && named === undefined) {
    return {
      field: "because.event",
      message: "is missing or no event id, and nothing else says for which nodes this is",
      allowed: "because.event (its node is meant), scope.nodes, scope.tree, or fleet: true for all nodes",
    };
  }
  if (named === undefined) return cause === undefined ? null : [cause];
  const other = cause === undefined ? undefined : named.find((node) => node !== cause);
  if (other !== undefined) {
    return {
      field: "scope.nodes",
      message: `names ${quote(other)}, but the event that caused it is of node ${quote(cause)}`,
      allowed: `${quote(cause)}, or fleet: true beside it`,
    };
  }
  return unique(named);
}

function causeNode(decision: Decision): string | undefined {
  const because = decision.because ?? {};
  const event = because.event ?? because.events?.[0];
  return (event === undefined ? undefined : parseEventId(event)?.node) ?? nodeOfTree(decision.scope?.tree);
}

/** The node whose process an exec_id names, base64 of `node:start:tgid:self_exec_id`. */
function nodeOfTree(tree: string | undefined): string | undefined {
  if (tree === undefined) return undefined;
  return /^(.+):\d+:\d+:\d+$/.exec(Buffer.from(tree, "base64").toString("utf8"))?.[1];
}

function unique(nodes: readonly string[]): string[] {
  return [...new Set(nodes)];
}
