import { bounded } from "../../bus/demand/wants.ts";
import { demandSelectors } from "../../bus/demand/selectors.ts";
import type { DesiredEntry } from "../../bus/types/desired.ts";
import type { Together } from "./book.ts";

/** Entries of the desired state: what rules want, and what readers do. */
export const RULES_ENTRY = "demand";
export const READERS_ENTRY = "demand-readers";
/** Bytes of JSON that the formulas may take there, beside the selectors that are made of them. */
const BYTES_MAX = 512 * 1024;

/** The entry that asks agents for these events; null when nothing is wanted. */
export function entryOf({ wants, rulesets, standby, holders }: Together, now: number): DesiredEntry | null {
  if (holders === 0) return null;
  const demand = { wants: bounded(wants, BYTES_MAX), rulesets, standby };
  const selectors = demandSelectors(demand);
  const hooks = [...new Set([...selectors.map(({ hook }) => hook), ...standby])].sort();
  return { selectors, hooks, ttl: "none", renewedAt: new Date(now).toISOString(), demand };
}

/** Whether two entries ask for the same. */
export function sameEntry(a: DesiredEntry | undefined, b: DesiredEntry | null): boolean {
  return textOf(a ?? null) === textOf(b);
}

function textOf(entry: DesiredEntry | null): string {
  if (entry === null) return "";
  const { renewedAt: _renewedAt, ...rest } = entry;
  return JSON.stringify(canonical(rest));
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, inner]) => [name, canonical(inner)]));
}
