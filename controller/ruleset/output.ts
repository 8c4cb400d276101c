import type { BuildMessage } from "../../bus/types/controller-status.ts";

const MAX_MESSAGES = 100;

export interface BuildOutput {
  rules: number;
  policies: number;
  /** Files of the set, null when the command does not say. */
  sources: string[] | null;
  errors: BuildMessage[];
  warnings: BuildMessage[];
}

/** The JSON object that the build command prints; undefined when it printed none. */
export function readBuildOutput(stdout: string): BuildOutput | undefined {
  let value: unknown;
  try {
    value = JSON.parse(stdout);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const object = value as Record<string, unknown>;
  return {
    rules: count(object["rules"]),
    policies: count(object["policies"]),
    sources: readSources(object["info"]),
    errors: messages(object["errors"]),
    warnings: messages(object["warnings"]),
  };
}

function readSources(info: unknown): string[] | null {
  const sources = typeof info === "object" && info !== null && "sources" in info ? info.sources : null;
  return Array.isArray(sources) ? sources.filter((source) => typeof source === "string") : null;
}

/** A number, or the length of a list. */
function count(value: unknown): number {
  if (typeof value === "number") return value;
  return Array.isArray(value) ? value.length : 0;
}

function messages(value: unknown): BuildMessage[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MAX_MESSAGES).map((item: unknown) => {
    const object = typeof item === "object" && item !== null ? (item as Record<string, unknown>) : { message: item };
    return {
      file: text(object["file"]),
      line: typeof object["line"] === "number" ? object["line"] : null,
      rule: text(object["rule"]),
      message: text(object["message"]) ?? JSON.stringify(item),
      allowed: text(object["allowed"]),
    };
  });
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value.slice(0, 2_000) : null;
}

/** `policies/a.yaml:3 rule x: message (allowed: ...)`. */
export function describeMessage(message: BuildMessage): string {
  const place = message.file === null ? "" : `${message.file}${message.line === null ? "" : `:${message.line}`} `;
  const rule = message.rule === null ? "" : `rule ${message.rule}: `;
  const allowed = message.allowed === null ? "" : ` (allowed: ${message.allowed})`;
  return `${place}${rule}${message.message}${allowed}`;
}
