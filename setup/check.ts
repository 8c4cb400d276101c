import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkSteps } from "./check-list.ts";
import { runCheckSteps } from "./check-step.ts";
import { addTallies, summaryLine } from "./tally.ts";

// `npm run check`: all steps run even if one fails.
const repo = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const tally = addTallies(await runCheckSteps(checkSteps(repo), repo, (line) => console.log(line)));
console.log(summaryLine(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
