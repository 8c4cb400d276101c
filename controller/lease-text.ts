import { parseDuration } from "../bus/duration.ts";

/** Whole milliseconds of a duration ("10m", "1h30m"), undefined when the text is none. */
export function parseLease(text: string): number | undefined {
  try {
    const milliseconds = Math.floor(parseDuration(text));
    return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
  } catch {
    return undefined;
  }
}
