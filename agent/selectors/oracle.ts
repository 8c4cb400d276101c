import { inNetwork } from "./address.ts";
import { type Condition, MODE_NUMBER, type NormalSelector } from "./normalize.ts";
import { OPERAND, textKind } from "./operands.ts";
import { inOrder } from "./order.ts";

/** An event as the naive matcher sees it. A path of null is not known. */
export interface OracleEvent {
  binary: string | null;
  parent: string | null;
  uid: number;
  cgroups: ReadonlySet<string>;
  /** Null: not known. */
  trees: ReadonlySet<string> | null;
  /** Absent at hooks without a destination. */
  destination?: { family: 4 | 6; bytes: Uint8Array; port: number };
  /** Boottime ns. */
  now: bigint;
}

export interface OracleMatch {
  selector: NormalSelector;
  /** It was not known whether it matches: an enforcing one decides all the same. */
  undecided: boolean;
}

export interface OracleVerdict {
  /** Those in mode monitor that match before the decision, in order. */
  monitored: OracleMatch[];
  decided: OracleMatch | undefined;
}

type Truth = boolean | undefined;
const HELD_BYTES = 255;

/** One selector after the other: what the kernel's tables must say too. */
export function decide(selectors: readonly NormalSelector[], event: OracleEvent): OracleVerdict {
  const monitored: OracleMatch[] = [];
  for (const selector of inOrder(selectors)) {
    if (selector.deadline !== null && event.now >= selector.deadline) continue;
    const truths = new Set(selector.conditions.map((condition) => holds(condition, event)));
    if (truths.has(false)) continue;
    const match = { selector, undecided: truths.has(undefined) };
    if (selector.mode === MODE_NUMBER.enforce) return { monitored, decided: match };
    monitored.push(match);
  }
  return { monitored, decided: undefined };
}

function holds(condition: Condition, event: OracleEvent): Truth {
  if ("member" in condition) {
    const set = condition.operand === OPERAND.tree ? event.trees : event.cgroups;
    return set === null ? undefined : set.has(condition.member);
  }
  const lists = listed(condition, event);
  return lists === undefined ? undefined : lists !== condition.negative;
}

function listed(condition: Exclude<Condition, { member: string }>, event: OracleEvent): Truth {
  if ("texts" in condition) {
    const path = condition.operand >= OPERAND.parent ? event.parent : event.binary;
    if (path === null) return undefined;
    const kind = textKind(condition.operand);
    if (kind === "exact") return condition.texts.includes(path);
    if (kind === "prefix") return condition.texts.some((text) => path.startsWith(text));
    // the kernel keeps the beginning only
    if (Buffer.byteLength(path) > HELD_BYTES) return undefined;
    return condition.texts.some((text) => path.endsWith(text));
  }
  if ("ranges" in condition) {
    const value = condition.operand === OPERAND.uid ? event.uid : event.destination?.port;
    return value !== undefined && condition.ranges.some(([low, high]) => low <= value && value <= high);
  }
  const { destination } = event;
  return (
    destination !== undefined &&
    condition.networks.some((network) => inNetwork(network, destination.family, destination.bytes))
  );
}
