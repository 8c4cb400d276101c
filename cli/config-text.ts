import { describeConfig } from "../bus/config/describe.ts";
import type { LoadedConfig } from "../bus/config/load.ts";
import { document } from "./output/format.ts";
import { table } from "./output/table.ts";

/** `setting  value  where it came from`, values as they are written in reeve.yaml. */
export function configTable(loaded: LoadedConfig): string {
  const rows = describeConfig(loaded).map(({ name, value, source }) => [
    name,
    typeof value === "string" && value !== "" ? value : JSON.stringify(value),
    source,
  ]);
  return `file: ${loaded.file ?? "none"}\n${table([["SETTING", "VALUE", "FROM"], ...rows])}`;
}

export function configDocument(loaded: LoadedConfig): string {
  return document({ file: loaded.file, settings: describeConfig(loaded) }, "json");
}
