import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fetched } from "../../setup/guests/fetch.mjs";
import { GUEST_KERNELS } from "../../setup/guests/kernels.mjs";
import { addTallies, summaryLine, type Tally } from "../../setup/tally.ts";
import { buildProgram } from "../programs/build.ts";
import { kernelsDocument } from "./lib/document.ts";
import { GuestError } from "./lib/errors.ts";
import { runInGuest, type GuestOptions } from "./lib/guest.ts";
import { REPO } from "./lib/kernel.ts";
import { allResults, majorMinor, readResults, writeResults } from "./lib/results.ts";
import { testInGuest, type GuestTests } from "./lib/vitest.ts";

const USAGE = `node test/guests/run.ts [--kernel NAME]... [--append WORD]... [--record] [--command SCRIPT | TEST FILE...]
  Runs test files with vitest, or a shell command, in a guest of each kernel: ${GUEST_KERNELS.map((one) => one.name).join(", ")}.
  --append    a word for the kernel's command line, such as preempt=full
  --record    takes what was found into test/guests/results and docs/kernels.md`;

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
if (values.help || (values.record && values.command !== undefined)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));

// A compiler is slow in a guest, and what is built here is there too.
execFileSync(process.execPath, [join(REPO, "bpf/build.mjs")], { stdio: "inherit" });
prebuild();

const tallies: Tally[] = [];
for (const kernel of values.kernel) {
  try {
    tallies.push(await runOn(kernel));
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    console.log(`kernel ${kernel}: ${error.message}`);
    tallies.push({ passed: 0, failed: 1, skipped: 0 });
  }
}
const tally = addTallies(tallies);
console.log(summaryLine(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;

async function runOn(kernel: string): Promise<Tally> {
  const options: GuestOptions = {
    append: values.append,
    onOutput: (text) => process.stdout.write(text),
    ...(values.cpu === undefined ? {} : { cpu: values.cpu }),
    ...(values.record ? { env: { REEVE_RECORD: "1" } } : {}),
  };
  if (values.command !== undefined) {
    const { code, release, seconds } = await runInGuest(kernel, values.command, options);
    console.log(`${release}: exit code ${code}, boot ${seconds.boot.toFixed(1)} s, ${seconds.command.toFixed(1)} s`);
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  }
  const tests = await testInGuest(kernel, positionals.length > 0 ? positionals : TESTS, options);
  report(tests);
  if (values.record) {
    record(kernel, tests);
    writeFileSync(join(REPO, "docs/kernels.md"), kernelsDocument(allResults()));
  }
  return tests.tally;
}

function report({ result, files, tally: sum }: GuestTests): void {
  for (const { file, failures } of files) for (const { test } of failures) console.log(`FAIL ${file}: ${test}`);
  const { boot, command } = result.seconds;
  console.log(`${result.release}: ${summaryLine(sum)}; boot ${boot.toFixed(1)} s, tests ${command.toFixed(0)} s`);
}

/** Takes what was found into the kernel's record; what was not looked at stays as it was, unless the kernel is another one. */
function record(name: string, { result, files }: GuestTests): void {
  const { suite, version } = fetched(REPO, name)!;
  const { release } = result;
  const kernel = majorMinor(release);
  const before = readResults(kernel);
  const same = before?.release === release ? before : undefined;
  const found = <T>(file: string, otherwise: T) => {
    const written = result.files.get(file);
    return written === undefined ? otherwise : (JSON.parse(written.toString()) as T);
  };
  const rungs = found("rungs.json", same?.rungs ?? []);
  const { programs, objects } = found("programs.json", {
    programs: same?.programs ?? {},
    objects: same?.objects ?? {},
  });
  const tests = new Map(Object.entries(same?.tests ?? {}));
  for (const { file, tally: counts, failures } of files) {
    const names = failures.map((failure) => failure.test);
    const { passed, failed, skipped } = counts;
    const numbers = { passed, failed, skipped };
    tests.set(file, names.length > 0 ? Object.assign(numbers, { failures: names }) : numbers);
  }
  const sorted = Object.fromEntries([...tests].sort(([a], [b]) => a.localeCompare(b)));
  writeResults({ kernel, release, suite, version, rungs, programs, objects, tests: sorted });
}

function prebuild(): void {
  for (const file of readdirSync(join(REPO, "test/programs")))
    if (file.endsWith(".c")) buildProgram(file.slice(0, -".c".length));
}
