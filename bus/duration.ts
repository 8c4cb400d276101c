import { BusError } from "./errors.ts";

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/gy;

/** The written form, for JSON Schemas. */
export const DURATION_PATTERN = "^(0|(\\d+(\\.\\d+)?(ns|us|µs|ms|s|m|h))+)$";

/** What is allowed, for error texts. */
export const DURATION_FORM = 'numbers with a unit (ns, us, ms, s, m, h), such as "10m", "1h30m" or "250ms"';

/**
 * Milliseconds of a duration as Go writes it, without a sign: "10m", "1h30m", "1.5s", "0".
 * @throws {BusError} `invalid`, naming the text and what is allowed
 */
export function parseDuration(text: string): number {
  const ms = durationOf(text);
  if (ms === null)
    throw new BusError("invalid", `${JSON.stringify(text)} is not a duration; allowed: ${DURATION_FORM}`);
  return ms;
}

/** As `parseDuration`; null for what is none. */
export function durationOf(text: string): number | null {
  if (text === "0") return 0;
  let total = 0;
  PART.lastIndex = 0;
  let end = 0;
  for (let part = PART.exec(text); part !== null; part = PART.exec(text)) {
    total += Number(part[1]) * UNITS[part[2]!]!;
    end = PART.lastIndex;
  }
  return end === 0 || end !== text.length ? null : total;
}

/** The shortest form that `parseDuration` reads back as the same number of milliseconds. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0";
  let rest = ms;
  let text = "";
  for (const unit of ["h", "m", "s"]) {
    const size = UNITS[unit]!;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return rest > 0 ? `${text}${rest}ms` : text;
}
