import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkSteps, ruleTestSteps } from "./check-list.ts";
import { runCheckSteps } from "./check-step.ts";
import { addTallies, summaryLine, vitestTally } from "./tally.ts";
import type { Tally } from "./tally.ts";

// `npm test`: the checks, the rules' own tests, then vitest over test/. All run even if one fails; the last line sums up.
const repo = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const start = performance.now();
const print = (line: string): void => console.log(line);

const tallies = await runCheckSteps([...checkSteps(repo), ...ruleTestSteps(repo)], repo, print);
tallies.push(runVitest());
const tally = addTallies(tallies);
print(`all of it took ${((performance.now() - start) / 1000).toFixed(0)} s`);
if (tally.skipped > 0) print(`${tally.skipped} skipped`);
print(summaryLine(tally));
mkdirSync(join(repo, ".reeve"), { recursive: true });
writeFileSync(join(repo, ".reeve/test-summary"), `${summaryLine(tally)}\n`);
process.exitCode = tally.failed === 0 ? 0 : 1;

function runVitest(): Tally {
  const report = join(repo, ".reeve/vitest.json");
  rmSync(report, { force: true });
  const args = [
    join(repo, "node_modules/vitest/vitest.mjs"),
    "run",
    ...process.argv.slice(2),
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ];
  const run = spawnSync(process.execPath, args, { cwd: repo, stdio: ["ignore", "inherit", "inherit"] });
  try {
    const counted = vitestTally(JSON.parse(readFileSync(report, "utf8")));
    // An error outside any test (an unhandled rejection) fails the run and is in no count.
    return run.status !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted;
  } catch {
    print("vitest wrote no report");
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
