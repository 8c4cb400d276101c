import { pino } from "pino";
import type { Logger } from "pino";

export type { Logger } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * The log of one part ("agent", "engine", ...): JSON lines on standard error, level as configured. Written at once,
 * so that the last line before a crash is there. Errors given as `{ err }` show code, cause and stack.
 */
export function createLogger(part: string, level: LogLevel = "info", fields: Record<string, unknown> = {}): Logger {
  return pino(
    { level, base: { part, ...fields }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: levelName } },
    pino.destination({ fd: 2, sync: true }),
  );
}

function levelName(label: string): { level: string } {
  return { level: label };
}
