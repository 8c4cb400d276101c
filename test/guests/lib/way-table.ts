import { type Way, WAYS } from "../inside/lsm/ways.ts";

/** The table of docs/file-selectors.md: what a deny at file_open holds against. */
export function wayTable(): string {
  const rows = WAYS.map((way) => `| ${way.name}: ${way.what} | ${answers(way).join(" | ")} | ${way.why ?? ""} |`);
  return [
    "| way to the file | by exact path | by prefix (its directory) | by inode and device | |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function answers({ holds }: Way): string[] {
  return [holds.path, holds.prefix, holds.inode].map((one) => (one ? "denied" : "**opens**"));
}
