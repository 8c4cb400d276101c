import type { Builtins } from "./builtin.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 };

/**
 * Times in ns since 1970. They pass through JSON as doubles, so they are exact to about 256 ns.
 * `time.date` and its kin take ns, or `[ns, zone]` with zone UTC or an IANA name.
 */
export const TIME: Builtins = {
  "time.now_ns": () => Date.now() * 1e6,

  "time.parse_rfc3339_ns": (text) => {
    const parts = typeof text === "string" ? /^(.{19})(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text) : null;
    const ms = parts === null ? NaN : Date.parse(`${parts[1]}${parts[3]}`);
    return parts === null || Number.isNaN(ms) ? undefined : ms * 1e6 + Number((parts[2] ?? "0").padEnd(9, "0"));
  },

  "time.parse_duration_ns": (text) => {
    const parts = typeof text === "string" ? /^([+-]?)((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+|0)$/.exec(text) : null;
    if (parts === null) return undefined;
    let total = 0;
    for (const [, amount, unit] of parts[2]!.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
      total += Number(amount) * UNITS[unit!]!;
    }
    return Math.round(parts[1] === "-" ? -total : total);
  },

  "time.date": (at) => parts(at)?.date,
  "time.clock": (at) => parts(at)?.clock,
  "time.weekday": (at) => parts(at)?.weekday,
};

function parts(at: unknown): { date: number[]; clock: number[]; weekday: string } | undefined {
  const [ns, zone] = Array.isArray(at) ? (at as unknown[]) : [at, "UTC"];
  if (typeof ns !== "number" || typeof zone !== "string") return undefined;
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone === "" ? "UTC" : zone,
      hourCycle: "h23",
      ...({ year: "numeric", month: "numeric", day: "numeric" } as const),
      ...({ hour: "numeric", minute: "numeric", second: "numeric" } as const),
    });
    const values = Object.fromEntries(format.formatToParts(ns / 1e6).map(({ type, value }) => [type, Number(value)]));
    const date = ["year", "month", "day"].map((name) => values[name]!);
    const clock = ["hour", "minute", "second"].map((name) => values[name]!);
    return { date, clock, weekday: DAYS[new Date(Date.UTC(date[0]!, date[1]! - 1, date[2])).getUTCDay()]! };
  } catch {
    return undefined;
  }
}
