import type { NormalSelector } from "./normalize.ts";

/**
 * The order in which selectors decide: higher priority first, then the stronger action (kill, deny, signal), then the
 * later deadline (none is the latest), then entry and id. The kernel relies on deadlines falling within one priority and
 * action: behind an ended selector all of its group have ended.
 */
export function inOrder(selectors: readonly NormalSelector[]): NormalSelector[] {
  return selectors.toSorted(
    (a, b) =>
      b.priority - a.priority ||
      b.action - a.action ||
      compareDeadlines(a.deadline, b.deadline) ||
      compareTexts(a.source.entry, b.source.entry) ||
      compareTexts(a.source.selector.id, b.source.selector.id),
  );
}

/** Whether two selectors are of one group: an ended one of a group means that those behind it have ended. */
export function sameGroup(a: NormalSelector, b: NormalSelector): boolean {
  return a.priority === b.priority && a.action === b.action;
}

function compareDeadlines(a: bigint | null, b: bigint | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a > b ? -1 : 1;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
