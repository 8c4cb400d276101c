import { safe } from "../output/safe.ts";

export interface LogLine {
  level: "debug" | "info" | "warn" | "error";
  text: string;
}

/** What a line of a child's log says: pino's JSON, nats-server's `[WRN]`, or plain text (a crash, a warning of Node). */
export function readLogLine(line: string): LogLine {
  if (line.startsWith("{")) {
    const record = parse(line);
    if (record) return fromRecord(record);
  }
  const nats = /\[(TRC|DBG|INF|WRN|ERR|FTL)\] (.*)$/.exec(line);
  if (nats) {
    // The one password there is the reader's, which is empty on purpose.
    const expected = nats[2]!.startsWith("Plaintext passwords detected");
    return { level: expected ? "info" : (NATS[nats[1]!] ?? "info"), text: safe(nats[2]!) };
  }
  return { level: /\b(error|warning|fatal)\b/i.test(line) ? "warn" : "info", text: safe(line) };
}

const NATS: Record<string, LogLine["level"]> = { TRC: "debug", DBG: "debug", WRN: "warn", ERR: "error", FTL: "error" };

const PINO: Record<string, LogLine["level"]> = {
  trace: "debug",
  debug: "debug",
  warn: "warn",
  error: "error",
  fatal: "error",
};

function fromRecord(record: Record<string, unknown>): LogLine {
  const message = textOf(record["msg"]);
  const error = textOf((record["err"] as { message?: unknown } | undefined)?.message);
  const text = message === "" || message.includes(error) ? message || error : `${message}: ${error}`;
  return { level: PINO[textOf(record["level"])] ?? "info", text: safe(text) };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
