import { inNetwork } from "./address.ts";
import type { Condition } from "./condition.ts";
import { ACTION_NUMBER, type NormalSelector } from "./normalize.ts";
import { OPERAND, textOperand } from "./operands.ts";
import { KIND, kindOf, scoreOf } from "./order.ts";

/** An event as the naive matcher sees it. A path of null is not known. */
export interface OracleEvent {
  binary: string | null;
  parent: string | null;
  /** Null: not known; absent: none. */
  ancestors?: readonly string[] | null;
  cgroups: ReadonlySet<string>;
  /** Null: not known. */
  trees: ReadonlySet<string> | null;
  /** Numbers and masks of the process by operand; absent ones are 0. */
  numbers?: Readonly<Record<number, number>>;
  masks?: Readonly<Record<number, bigint | null>>;
  /** The hook's own: a path, numbers, an address by operand. A path of null is not known. */
  path?: string | null;
  /** Of a hook that is about two paths. */
  second?: string | null;
  address?: { family: 4 | 6; bytes: Uint8Array };
  /** Boottime ns. */
  now: bigint;
}

/** A selector and the place that the tables gave it. */
export interface PlacedSelector {
  selector: NormalSelector;
  place: number;
}

export interface OracleMatch {
  selector: NormalSelector;
  /** It was not known whether it matches: an enforcing one decides all the same. */
  undecided: boolean;
}

export interface OracleVerdict {
  /** Those in mode monitor that score more than the one that decides; with `every`, all that match but that one. */
  told: OracleMatch[];
  decided: OracleMatch | undefined;
  /** The one that says whether to post. */
  posting: OracleMatch | undefined;
  posts: boolean;
}

type Truth = boolean | undefined;
const HELD_BYTES = 255;

/** One selector after the other: what the kernel's tables must say too. */
export function decide(selectors: readonly PlacedSelector[], event: OracleEvent, every = false): OracleVerdict {
  const told: OracleMatch[] = [];
  let decided: OracleMatch | undefined;
  let posting: OracleMatch | undefined;
  for (const { selector } of selectors.toSorted(
    (a, b) => scoreOf(b.selector, b.place) - scoreOf(a.selector, a.place),
  )) {
    if (selector.deadline !== null && event.now >= selector.deadline) continue;
    const truths = new Set(selector.conditions.map((condition) => holds(condition, event)));
    if (truths.has(false)) continue;
    const match = { selector, undecided: truths.has(undefined) };
    const kind = kindOf(selector);
    if (kind === KIND.post) posting ??= match;
    else if (kind === KIND.decide && decided === undefined) decided = match;
    else if (every || (kind === KIND.monitor && decided === undefined)) told.push(match);
  }
  return { told, decided, posting, posts: posting?.selector.action === ACTION_NUMBER.post };
}

function holds(condition: Condition, event: OracleEvent): Truth {
  const lists = listed(condition, event);
  return lists === undefined ? undefined : lists !== condition.negative;
}

function listed(condition: Condition, event: OracleEvent): Truth {
  const { operand } = condition;
  switch (condition.type) {
    case "set": {
      const set = operand === OPERAND.tree ? event.trees : event.cgroups;
      return set === null ? undefined : set.has(condition.member);
    }
    case "text": {
      const { kind, family } = textOperand(operand);
      const path = [event.binary, event.parent, event.path ?? null, event.second ?? null][family]!;
      if (path === null) return undefined;
      if (kind === "exact") return condition.texts.includes(path);
      if (kind === "prefix") return condition.texts.some((text) => path.startsWith(text));
      // of processes the kernel keeps the beginning only
      if (family < 2 && Buffer.byteLength(path) > HELD_BYTES) return undefined;
      return condition.texts.some((text) => path.endsWith(text));
    }
    case "ancestors": {
      const { ancestors = [] } = event;
      const fits = (path: string) =>
        condition.texts.some((text) => (condition.prefix ? path.startsWith(text) : path === text));
      return ancestors === null ? undefined : ancestors.some(fits);
    }
    case "number": {
      const value = event.numbers?.[operand] ?? 0;
      return condition.ranges.some(([low, high]) => low <= value && value <= high);
    }
    case "mask": {
      const value = event.masks?.[operand] ?? event.numbers?.[operand] ?? 0n;
      if (event.masks?.[operand] === null) return undefined;
      return (BigInt(value) & condition.mask) !== 0n;
    }
    default: {
      const { address } = event;
      return (
        address !== undefined && condition.networks.some((network) => inNetwork(network, address.family, address.bytes))
      );
    }
  }
}
