import { Option } from "commander";
import { stringify } from "yaml";

export type Format = "text" | "table" | "compact" | "json" | "yaml";

/** `-o, --output FORMAT` with the formats that the verb knows; the first is the default. */
export function outputOption(...formats: [Format, ...Format[]]): Option {
  return new Option("-o, --output <format>", "how to print").choices(formats).default(formats[0]);
}

/** One value as a document of its own: JSON indented for people, YAML in block style. Bigints become numbers or strings. */
export function document(value: unknown, format: "json" | "yaml"): string {
  return format === "json" ? JSON.stringify(value, plain, 2) : yamlOf(value).trimEnd();
}

/** One value of a stream: JSON on one line, YAML as one list item (what a `rules test` file has under `events:`). */
export function streamItem(value: unknown, format: "json" | "yaml"): string {
  return format === "json" ? JSON.stringify(value, plain) : yamlOf([value]).trimEnd();
}

function yamlOf(value: unknown): string {
  return stringify(JSON.parse(JSON.stringify(value, plain)), { lineWidth: 0 });
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString();
}
