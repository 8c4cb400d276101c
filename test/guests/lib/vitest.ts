import { addTallies, vitestTally, type Tally } from "../../../setup/tally.ts";
import { runInGuest, type GuestOptions, type GuestResult } from "./guest.ts";

/** One test file's end in a guest. */
export interface GuestFile {
  /** From the repository's root. */
  file: string;
  tally: Tally;
  /** What failed: the test's name and its message, or the file's own when it could not be loaded. */
  failures: { test: string; message: string }[];
  skips: string[];
}

export interface GuestTests {
  result: GuestResult;
  files: GuestFile[];
  tally: Tally;
}

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] | null }[];
  }[];
}

/**
 * Runs test files with vitest in one guest. A guest whose vitest wrote no report is a failure with what it said.
 * @param files  from the repository's root
 * @throws GuestError
 */
export async function testInGuest(kernel: string, files: string[], options: GuestOptions = {}): Promise<GuestTests> {
  const report = "--reporter=default --reporter=json --outputFile.json=$GUEST_FILES/vitest.json";
  // The test programs run from memory: quicker, and with the device numbers that the kernel has for them.
  const programs = "test/programs/out";
  const copy = `cp -r ${programs} $TMPDIR/programs && mount --bind $TMPDIR/programs ${programs} || exit 127`;
  const command = `${copy}\nnode node_modules/vitest/vitest.mjs run ${files.join(" ")} ${report}`;
  const result = await runInGuest(kernel, command, { ...options, env: { NO_COLOR: "1", ...options.env } });
  const written = result.files.get("vitest.json");
  if (written === undefined) {
    const failures = [{ test: "vitest", message: result.output.slice(-4000) }];
    const tally = { passed: 0, failed: 1, skipped: 0 };
    return { result, files: [{ file: files.join(" "), tally, failures, skips: [] }], tally };
  }
  const done = (JSON.parse(written.toString()) as Report).testResults.map(fileOf);
  const tally = addTallies(done.map((file) => file.tally));
  // An error outside of any test (an unhandled rejection) is in no file.
  if (result.code !== 0 && tally.failed === 0) tally.failed = 1;
  return { result, files: done, tally };
}

function fileOf(run: Report["testResults"][number]): GuestFile {
  const of = (status: string) => run.assertionResults.filter((one) => one.status === status);
  const tally = vitestTally({
    numPassedTests: of("passed").length,
    numFailedTests: of("failed").length,
    numPendingTests: run.assertionResults.length - of("passed").length - of("failed").length,
    testResults: [run],
  });
  const failures = of("failed").map((one) => ({ test: one.fullName, message: (one.failureMessages ?? []).join("\n") }));
  if (run.status === "failed" && failures.length === 0) failures.push({ test: "(the file)", message: run.message });
  const file = run.name.slice(run.name.indexOf("/test/") + 1);
  return { file, tally, failures, skips: [...of("skipped"), ...of("pending")].map((one) => one.fullName) };
}
