import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fetched } from "../../setup/guests/fetch.mjs";
import { GUEST_KERNELS } from "../../setup/guests/kernels.mjs";
import { addTallies, summaryLine, type Tally } from "../../setup/tally.ts";
import { buildProgram } from "../programs/build.ts";
import { kernelsDocument } from "./lib/document.ts";
import { runInGuest, type GuestOptions } from "./lib/guest.ts";
import { REPO } from "./lib/kernel.ts";
import { allResults, majorMinor, writeResults } from "./lib/results.ts";
import { testInGuest, type GuestTests } from "./lib/vitest.ts";

const USAGE = `node test/guests/run.ts [--kernel NAME]... [--append WORD]... [--record] [--command SCRIPT | TEST FILE...]
  Runs test files with vitest, or a shell command, in a guest of each kernel: ${GUEST_KERNELS.map((one) => one.name).join(", ")}.
  --append    a word for the kernel's command line, such as preempt=full
  --record    writes what was found to test/guests/results and docs/kernels.md; only with all of the tests`;

/** What depends on the kernel. */
const TESTS = ["test/guests/inside", "test/bpf", "test/enforce", "test/agent/kernel"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kernel: { type: "string", multiple: true, default: GUEST_KERNELS.map((kernel) => kernel.name) },
    append: { type: "string", multiple: true, default: [] },
    command: { type: "string" },
    cpu: { type: "string" },
    record: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help || (values.record && (positionals.length > 0 || values.command !== undefined))) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

// A compiler is slow in a guest, and what is built here is there too.
execFileSync(process.execPath, [join(REPO, "bpf/build.mjs")], { stdio: "inherit" });
prebuild();

const tallies: Tally[] = [];
for (const kernel of values.kernel) {
  const options: GuestOptions = {
    append: values.append,
    onOutput: (text) => process.stdout.write(text),
    ...(values.cpu === undefined ? {} : { cpu: values.cpu }),
    ...(values.record ? { env: { REEVE_RECORD: "1" } } : {}),
  };
  if (values.command === undefined) {
    const tests = await testInGuest(kernel, positionals.length > 0 ? positionals : TESTS, options);
    tallies.push(tests.tally);
    report(tests);
    if (values.record) record(kernel, tests);
  } else {
    const { code, release, seconds } = await runInGuest(kernel, values.command, options);
    console.log(`${release}: exit code ${code}, boot ${seconds.boot.toFixed(1)} s, ${seconds.command.toFixed(1)} s`);
    tallies.push({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
  }
}
if (values.record) writeFileSync(join(REPO, "docs/kernels.md"), kernelsDocument(allResults()));
const tally = addTallies(tallies);
console.log(summaryLine(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;

function report({ result, files, tally: sum }: GuestTests): void {
  for (const { file, failures } of files) for (const { test } of failures) console.log(`FAIL ${file}: ${test}`);
  const { boot, command } = result.seconds;
  console.log(`${result.release}: ${summaryLine(sum)}; boot ${boot.toFixed(1)} s, tests ${command.toFixed(0)} s`);
}

function record(name: string, { result, files }: GuestTests): void {
  const { suite, version } = fetched(REPO, name)!;
  const found = (file: string) => JSON.parse(result.files.get(file)?.toString() ?? "null") as never;
  const tests = files.map(({ file, tally: { passed, failed, skipped }, failures }) => {
    const names = failures.map((failure) => failure.test);
    const counts = { passed, failed, skipped };
    return [file, names.length > 0 ? Object.assign(counts, { failures: names }) : counts] as const;
  });
  const rungs = found("rungs.json");
  const programs = found("programs.json");
  if (rungs === null || programs === null) throw new Error(`${result.release} told no rungs or programs: not recorded`);
  const kernel = majorMinor(result.release);
  const sorted = Object.fromEntries(tests.sort(([a], [b]) => a.localeCompare(b)));
  writeResults({ kernel, release: result.release, suite, version, rungs, programs, tests: sorted });
}

function prebuild(): void {
  for (const file of readdirSync(join(REPO, "test/programs")))
    if (file.endsWith(".c")) buildProgram(file.slice(0, -".c".length));
}
