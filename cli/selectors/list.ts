import type { Selector } from "../../bus/types/selector.ts";
import type { NodeStatus, SelectorCounters } from "../../bus/types/status.ts";
import { loadForOperator } from "../find-bus.ts";
import { askController, connectOperator } from "../operator.ts";
import type { OperatorBus } from "../../bus/clients/operator.ts";
import { formatDuration } from "../output/duration.ts";
import { document } from "../output/format.ts";
import { printLine } from "../output/print.ts";
import { safe } from "../output/safe.ts";
import { table } from "../output/table.ts";
import { readStatus } from "../status/read.ts";
import { selectorLine } from "../why/text.ts";

/** An entry as the controller lists it. */
export interface ListedEntry {
  key: string;
  node: string | null;
  id: string;
  owner: string;
  ttl: number | "none";
  ends: string | null;
  selector_count: number;
  selectors?: Selector[];
}

interface Page {
  entries: ListedEntry[];
  disarmed: string[];
  next: string | null;
}

export async function listSelectors(flags: { output: "table" | "json" | "yaml" }): Promise<void> {
  const bus = await connectOperator(loadForOperator({ ...flags }).config);
  try {
    const now = new Date();
    const [list, status] = await Promise.all([allPages(bus), readStatus(bus, now)]);
    const counters = countersOf(status.nodes);
    if (flags.output !== "table")
      await printLine(document({ ...list, counters: [...counters.values()] }, flags.output));
    else await printLine(listTable(list.entries, list.disarmed, now, counters));
  } finally {
    await bus.close();
  }
}

async function allPages(bus: OperatorBus): Promise<{ entries: ListedEntry[]; disarmed: string[] }> {
  const entries: ListedEntry[] = [];
  for (let after: string | null = null; ;) {
    const page: Page = await askController(bus, "selectors.list", after === null ? {} : { after });
    entries.push(...page.entries);
    if (page.next === null) return { entries, disarmed: page.disarmed };
    after = page.next;
  }
}

/** What a selector has done on all nodes that have it. */
export interface ListedCounters extends SelectorCounters {
  entry: string;
  id: string;
}

/** By entry and id. */
export function countersOf(nodes: readonly NodeStatus[]): Map<string, ListedCounters> {
  const sums = new Map<string, ListedCounters>();
  for (const { selectors } of nodes)
    for (const { entry, id, counters } of selectors) {
      const key = `${entry}\n${id}`;
      const sum = sums.get(key) ?? { entry, id, hits: 0, would_deny: 0, denied: 0, undecided: 0, rate_limited: 0 };
      sum.hits += counters.hits;
      sum.would_deny += counters.would_deny;
      sum.denied += counters.denied;
      sum.undecided += counters.undecided;
      // an agent of before does not count them
      sum.rate_limited += counters.rate_limited ?? 0;
      sums.set(key, sum);
    }
  return sums;
}

/** A row a selector: id, node, owner, time left, what it has done, what it does. */
export function listTable(
  entries: readonly ListedEntry[],
  disarmed: readonly string[],
  now: Date,
  counters: ReadonlyMap<string, SelectorCounters> = new Map(),
): string {
  const rows: string[][] = [
    ["ID", "NODE", "OWNER", "LEFT", "HITS", "DENIED", "WOULD DENY", "UNDECIDED", "RATE LIMITED", "SELECTOR"],
  ];
  const counts = (key: string, id: string) => {
    const counted = counters.get(`${key}\n${id}`);
    if (counted === undefined) return ["-", "-", "-", "-", "-"];
    const { hits, denied, would_deny, undecided, rate_limited } = counted;
    return [hits, denied, would_deny, undecided, rate_limited].map(String);
  };
  for (const entry of entries) {
    const common = [safe(entry.node ?? "all"), safe(entry.owner), leftText(entry.ends, now)];
    for (const selector of entry.selectors ?? [])
      rows.push([safe(selector.id), ...common, ...counts(entry.key, selector.id), selectorLine(selector)]);
    if (!entry.selectors)
      rows.push([safe(entry.id), ...common, ...counts("", ""), `${entry.selector_count} selectors`]);
  }
  const lines = rows.length === 1 ? ["no selector is in force"] : [table(rows)];
  if (disarmed.length > 0) lines.push(`disarmed: ${disarmed.join(", ")} (reeve arm takes it back)`);
  return lines.join("\n");
}

function leftText(ends: string | null, now: Date): string {
  if (ends === null) return "no end";
  const left = Date.parse(ends) - now.getTime();
  return left <= 0 ? "ended" : formatDuration(left);
}
