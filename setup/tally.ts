/** What ran and how it ended, summed over checks, unit tests and rule tests. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

export function addTallies(tallies: readonly Tally[]): Tally {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const one of tallies) {
    sum.passed += one.passed;
    sum.failed += one.failed;
    sum.skipped += one.skipped;
  }
  return sum;
}

/** The line that a run closes with: `12 passed, 0 failed`. What was skipped is said before it. */
export function summaryLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed`;
}

/** Sums the JSON report of vitest. A file that could not even be loaded has no tests in it and counts as one failure. */
export function vitestTally(report: unknown): Tally {
  const r = report as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests?: number;
    numTodoTests?: number;
    testResults?: { status: string; assertionResults: unknown[] }[];
  };
  const broken = (r.testResults ?? []).filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  return {
    passed: r.numPassedTests,
    failed: r.numFailedTests + broken.length,
    skipped: (r.numPendingTests ?? 0) + (r.numTodoTests ?? 0),
  };
}

/** Sums `opa test --format json`: a list of tests, with `fail`, `error` or `skip` where one did not pass. */
export function opaTally(report: unknown): Tally {
  const tally = { passed: 0, failed: 0, skipped: 0 };
  for (const test of report as { fail?: boolean; error?: unknown; skip?: boolean }[]) {
    if (test.fail || test.error) tally.failed++;
    else if (test.skip) tally.skipped++;
    else tally.passed++;
  }
  return tally;
}
