import { desiredKey } from "../../bus/subjects.ts";
import type { DesiredEntry } from "../../bus/types/desired.ts";
import { DISARM_ID } from "../desired/live.ts";
import type { DesiredWriter } from "../desired/writer.ts";
import { readBody } from "./body.ts";

function readNode(body: unknown): { node: string | null } {
  return readBody(body, ["node"], (reader, object) => ({
    node:
      object["node"] === undefined || object["node"] === null
        ? null
        : (reader.text("node", object["node"], 512) ?? null),
  }));
}

/**
 * `disarm {node?}`: while the entry exists, agents keep every selector emptied. Decisions are taken all the same, so
 * that `arm` brings back what is still in force.
 */
export async function disarm(body: unknown, writer: DesiredWriter, now: number): Promise<{ disarmed: string[] }> {
  const { node } = readNode(body);
  const entry: DesiredEntry = {
    ...{ selectors: [], hooks: [], ttl: "none", disarm: true },
    renewedAt: new Date(now).toISOString(),
  };
  await writer.put(desiredKey(DISARM_ID, node), () => entry);
  return { disarmed: disarmedNodes(writer) };
}

/**
 * `arm {node?}`: takes back `disarm`, all of them when no node is named. The named key (that of all, else) is deleted also when
 * it is not there: by its deletion agents that were disarmed by a signal, of which the bus knows nothing, are armed too.
 * `disarmed` is what still is.
 */
export async function arm(body: unknown, writer: DesiredWriter): Promise<{ armed: string[]; disarmed: string[] }> {
  const { node } = readNode(body);
  const armed: string[] = [];
  for (const live of writer.live.disarms()) {
    if (node !== null && live.node !== node) continue;
    if (await writer.delete(live.key)) armed.push(live.node ?? "all");
  }
  if (!armed.includes(node ?? "all")) await writer.clear(desiredKey(DISARM_ID, node));
  return { armed, disarmed: disarmedNodes(writer) };
}

/** "all" or names of nodes. */
export function disarmedNodes(writer: DesiredWriter): string[] {
  return writer.live.disarms().map((live) => live.node ?? "all");
}
