import type { Alert, Severity } from "../../bus/types/alert.ts";
import { sourceOf } from "./compact.ts";
import type { EventView } from "./event-view.ts";
import type { Paint } from "./paint.ts";
import { safe } from "./safe.ts";

const STYLES: Record<Severity, Parameters<Paint>[0]> = {
  info: "dim",
  low: "blue",
  medium: "yellow",
  high: ["bold", "red"],
  critical: ["bold", "white", "bgRed"],
};

/**
 * An alert as one line: time, severity, rule, where, message, and the id that `reeve why` takes.
 * @param wholeTime the time as the alert has it, else the local time of day
 */
export function alertLine(alert: Alert, paint: Paint, wholeTime = false): string {
  const severity = paint(STYLES[alert.severity] ?? "bold", alert.severity.toUpperCase().padEnd(8));
  const event = alert.event as unknown as EventView | undefined;
  const where = event ? sourceOf({ node: alert.node, process: event.process ?? null }) : alert.node;
  const times = alert.count > 1 ? paint("yellow", ` (${alert.count} times)`) : "";
  const time = alert.last_time || alert.first_time;
  return [
    paint("dim", wholeTime ? safe(time) : clock(time)),
    severity,
    paint("bold", safe(alert.rule)),
    paint("green", safe(where)),
    `${safe(alert.message)}${times}`,
    paint("dim", `why: ${safe(alert.id)}`),
  ].join(" ");
}

/** Local time of day to the millisecond; the text itself where it is no time. */
export function clock(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return safe(time);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
