import type { Selector } from "../../bus/types/selector.ts";
import { loadForOperator } from "../find-bus.ts";
import { askController, connectOperator } from "../operator.ts";
import type { OperatorBus } from "../../bus/clients/operator.ts";
import { formatDuration } from "../output/duration.ts";
import { document } from "../output/format.ts";
import { printLine } from "../output/print.ts";
import { safe } from "../output/safe.ts";
import { table } from "../output/table.ts";
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
    const list = await allPages(bus);
    if (flags.output !== "table") await printLine(document(list, flags.output));
    else await printLine(listTable(list.entries, list.disarmed, new Date()));
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

/** A row a selector: id, node, owner, time left, what it does. */
export function listTable(entries: readonly ListedEntry[], disarmed: readonly string[], now: Date): string {
  const rows: string[][] = [["ID", "NODE", "OWNER", "LEFT", "SELECTOR"]];
  for (const entry of entries) {
    const common = [safe(entry.node ?? "all"), safe(entry.owner), leftText(entry.ends, now)];
    for (const selector of entry.selectors ?? []) rows.push([safe(selector.id), ...common, selectorLine(selector)]);
    if (!entry.selectors) rows.push([safe(entry.id), ...common, `${entry.selector_count} selectors`]);
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
