import { BusError } from "./errors.ts";

const SHIFTS: Record<string, number> = { "": 0, k: 10, m: 20, g: 30, t: 40 };
const FORM = /^(\d+)\s?(?:(|[kmgt])i?b|([kmgt]))?$/i;

/** The written form, for JSON Schemas. */
export const SIZE_PATTERN = "^\\d+ ?([kKmMgGtT]?[iI]?[bB]|[kKmMgGtT])?$";

/** What is allowed, for error texts. */
export const SIZE_FORM = 'a whole number with KB, MB, GB or TB (powers of 1024), such as "64MB", or a number of bytes';

/**
 * Bytes of "64MB", "1GiB", "512 KB", "4096". Units are powers of 1024.
 * @throws {BusError} `invalid`, naming the text and what is allowed
 */
export function parseSize(text: string): number {
  const parts = FORM.exec(text);
  const bytes = parts === null ? NaN : Number(parts[1]) * 2 ** SHIFTS[(parts[2] ?? parts[3] ?? "").toLowerCase()]!;
  if (!Number.isSafeInteger(bytes)) {
    throw new BusError("invalid", `${JSON.stringify(text)} is not a size; allowed: ${SIZE_FORM}`);
  }
  return bytes;
}

/** The shortest form that `parseSize` reads back as the same number. */
export function formatSize(bytes: number): string {
  for (const [unit, shift] of [
    ["TB", 40],
    ["GB", 30],
    ["MB", 20],
    ["KB", 10],
  ] as const) {
    if (bytes >= 2 ** shift && bytes % 2 ** shift === 0) return `${bytes / 2 ** shift}${unit}`;
  }
  return `${bytes}B`;
}
