import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { wayTable } from "./lib/way-table.ts";

it("docs/file-selectors.md promises what the guest's test of each way expects", () => {
  const docs = readFileSync(join(import.meta.dirname, "../../docs/file-selectors.md"), "utf8");
  expect(docs).toContain(`\n${wayTable()}\n`);
});
