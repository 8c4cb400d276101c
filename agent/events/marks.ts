import { PROCESS_FLAG, PROCESS_FLAG_NAMES } from "../generated/records.ts";

const CACHE_MAX = 512;
/** Marks that have a place of their own in binary_properties or script. */
const SHOWN_ELSEWHERE: number = PROCESS_FLAG.memfd | PROCESS_FLAG.upper | PROCESS_FLAG.privileges_raised;

const markTexts = new Map<number, string>();

/** The words for a record's flags, joined by spaces. */
export function markText(flags: number): string {
  const rest = flags & ~SHOWN_ELSEWHERE;
  const known = markTexts.get(rest);
  if (known !== undefined) return known;
  const text = PROCESS_FLAG_NAMES.filter(([bit]) => (rest & bit) !== 0)
    .map(([, name]) => name)
    .join(" ");
  if (markTexts.size >= CACHE_MAX) markTexts.clear();
  markTexts.set(rest, text);
  return text;
}
