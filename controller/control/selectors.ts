import { desiredKey } from "../../bus/subjects.ts";
import type { DesiredEntry } from "../../bus/types/desired.ts";
import { canonical } from "../decision/identity.ts";
import { shortHash } from "../../bus/ids.ts";
import { leaseEnd } from "../desired/leases.ts";
import { type LiveEntry, ownerOf } from "../desired/live.ts";
import type { DesiredWriter } from "../desired/writer.ts";
import { ControllerError } from "../errors.ts";
import { readBody } from "./body.ts";
import { ADD_KEYS, readSelectorsRequest, type SelectorsRequest } from "./selectors-input.ts";

/** A reply stays well below the megabyte that the bus carries. */
const MAX_REPLY = 512 * 1024;

export interface AddedEntry {
  key: string;
  node: string | null;
  id: string;
  selectors: string[];
  ttl: number | "none";
  revision: number;
}

export interface ListedEntry {
  key: string;
  node: string | null;
  id: string;
  owner: string;
  ttl: number | "none";
  renewedAt: string;
  /** RFC 3339, null when it never ends. */
  ends: string | null;
  hooks: string[];
  selector_count: number;
  /** Absent when the entry alone is larger than a reply. */
  selectors?: DesiredEntry["selectors"];
}

/** `selectors.add`: what one request asks for stands in one entry a node, and is applied at once. */
export async function addSelectors(
  body: unknown,
  writer: DesiredWriter,
  now: number,
): Promise<{ added: AddedEntry[] }> {
  const request = readBody(body, ADD_KEYS, readSelectorsRequest);
  const added: AddedEntry[] = [];
  for (const { key, node, id, entry } of planEntries(request, now)) {
    const present = writer.live.get(key);
    if (present !== undefined && ownerOf(present.entry) !== "person") {
      throw new ControllerError(
        "exists",
        `${key} was decided by ${ownerOf(present.entry)} (allowed: another id, or selectors.delete first)`,
      );
    }
    const revision = (await writer.put(key, () => entry)) ?? 0;
    added.push({ key, node, id, selectors: entry.selectors.map((selector) => selector.id), ttl: entry.ttl, revision });
  }
  return { added };
}

function planEntries(
  request: SelectorsRequest,
  now: number,
): { key: string; node: string | null; id: string; entry: DesiredEntry }[] {
  const byNode = new Map<string | null, DesiredEntry["selectors"]>();
  for (const { selector, nodes } of request.selectors) {
    for (const node of nodes ?? [null]) {
      const selectors = byNode.get(node);
      if (selectors === undefined) byNode.set(node, [selector]);
      else selectors.push(selector);
    }
  }
  return [...byNode].map(([node, selectors]) => {
    const only = selectors.length === 1 ? selectors[0]?.id : undefined;
    const id = only ?? `selectors-${shortHash(selectors.map((selector) => selector.id)).slice(0, 16)}`;
    const hooks = [...new Set(selectors.map((selector) => selector.hook))];
    const entry = { selectors, hooks, ttl: request.ttl, renewedAt: new Date(now).toISOString() };
    return { key: desiredKey(id, node), node, id, entry };
  });
}

/** `selectors.list {after?}`: as many entries as a reply holds, sorted by key; `next` is the `after` of the following page. */
export function listSelectors(
  body: unknown,
  writer: DesiredWriter,
): { entries: ListedEntry[]; disarmed: string[]; next: string | null } {
  const { after } = readBody(body, ["after"], (reader, object) => ({
    after:
      object["after"] === undefined || object["after"] === null ? "" : reader.text("after", object["after"], 1_000),
  }));
  const all = writer.live
    .entries()
    .filter((live) => live.key > (after ?? ""))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const entries: ListedEntry[] = [];
  let size = 0;
  for (const live of all) {
    const listed = listEntry(live);
    size += canonical(listed).length;
    if (size > MAX_REPLY && entries.length > 0) break;
    if (size > MAX_REPLY) delete listed.selectors;
    entries.push(listed);
  }
  const last = entries.at(-1);
  return {
    entries,
    disarmed: writer.live.disarms().map((live) => live.node ?? "all"),
    next: last !== undefined && entries.length < all.length ? last.key : null,
  };
}

function listEntry(live: LiveEntry): ListedEntry {
  const end = leaseEnd(live.entry);
  const { ttl, renewedAt, hooks, selectors } = live.entry;
  return {
    ...{ key: live.key, node: live.node, id: live.id, owner: ownerOf(live.entry), ttl, renewedAt },
    ends: end === null ? null : new Date(end).toISOString(),
    ...{ hooks, selector_count: selectors.length, selectors },
  };
}

/** `selectors.delete {id, node?}`: `id` is that of an entry, or of one selector in an entry of several. */
export async function deleteSelectors(body: unknown, writer: DesiredWriter): Promise<{ deleted: string[] }> {
  const { id, node } = readBody(body, ["id", "node"], (reader, object) => ({
    id: reader.text("id", object["id"], 200) ?? "",
    node: object["node"] === undefined || object["node"] === null ? null : reader.text("node", object["node"], 512),
  }));
  const deleted: string[] = [];
  for (const live of writer.live.entries()) {
    if (node !== null && live.node !== node) continue;
    if (live.id === id || isOnly(live, id)) {
      if (await writer.delete(live.key)) deleted.push(live.key);
    } else if (live.entry.selectors.some((selector) => selector.id === id)) {
      await writer.put(live.key, (present) => (present === undefined ? null : without(present, id)));
      deleted.push(`${live.key}#${id}`);
    }
  }
  if (deleted.length > 0) return { deleted };
  throw new ControllerError(
    "not_found",
    `no selector or entry ${JSON.stringify(id)} is in force (selectors.list names them)`,
  );
}

function isOnly(live: LiveEntry, id: string): boolean {
  return live.entry.selectors.length === 1 && live.entry.selectors[0]?.id === id;
}

function without(entry: DesiredEntry, id: string): DesiredEntry {
  const selectors = entry.selectors.filter((selector) => selector.id !== id);
  return { ...entry, selectors, hooks: [...new Set(selectors.map((selector) => selector.hook))] };
}
