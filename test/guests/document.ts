import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kernelsDocument } from "./lib/document.ts";
import { allResults } from "./lib/results.ts";

// node test/guests/document.ts [--check]: docs/kernels.md from test/guests/results.
const file = join(import.meta.dirname, "../../docs/kernels.md");
const text = kernelsDocument(allResults());
if (!process.argv.includes("--check")) writeFileSync(file, text);
else if (readFileSync(file, "utf8") !== text) {
  console.error("docs/kernels.md is not what test/guests/results says: node test/guests/document.ts");
  process.exitCode = 1;
}
