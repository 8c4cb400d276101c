import { expect, test } from "vitest";
import { runCheckStep } from "../../setup/check-step.ts";
import { addTallies, opaTally, summaryLine, vitestTally } from "../../setup/tally.ts";

test("the closing line", () => {
  expect(summaryLine({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
  expect(summaryLine({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed");
});

test("tallies add up", () => {
  const one = { passed: 1, failed: 2, skipped: 3 };
  expect(addTallies([one, one])).toEqual({ passed: 2, failed: 4, skipped: 6 });
});

test("a test file that could not be loaded is a failure", () => {
  const report = {
    numPassedTests: 5,
    numFailedTests: 0,
    numPendingTests: 1,
    testResults: [
      { status: "passed", assertionResults: [{}] },
      { status: "failed", assertionResults: [] },
    ],
  };
  expect(vitestTally(report)).toEqual({ passed: 5, failed: 1, skipped: 1 });
});

test("opa's report", () => {
  const report = [{ name: "a" }, { name: "b", fail: true }, { name: "c", error: {} }, { name: "d", skip: true }];
  expect(opaTally(report)).toEqual({ passed: 1, failed: 2, skipped: 1 });
});

test("a step passes, fails, or is not there", async () => {
  const ran = async (command: string, args: string[] = []) => runCheckStep({ name: "x", command, args }, "/");
  expect((await ran("true")).tally).toEqual({ passed: 1, failed: 0, skipped: 0 });
  expect((await ran("false")).tally).toEqual({ passed: 0, failed: 1, skipped: 0 });
  const missing = await ran("/no/such/command");
  expect(missing.ok).toBe(false);
  expect(missing.output).toContain("ENOENT");
});

test("a step that counts its own tests cannot hide that its command failed", async () => {
  const step = { name: "x", command: "sh", args: ["-c", "echo 4; exit 1"] };
  const counted = await runCheckStep(
    { ...step, tally: (out) => ({ passed: Number(out), failed: 0, skipped: 0 }) },
    "/",
  );
  expect(counted.tally).toEqual({ passed: 4, failed: 1, skipped: 0 });
  const garbled = await runCheckStep({ ...step, tally: (out) => JSON.parse(`{${out}`) }, "/");
  expect(garbled.tally.failed).toBe(1);
});
