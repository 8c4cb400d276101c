import { writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { worse } from "../lib/growth.ts";
import { majorMinor, readResults } from "../lib/results.ts";
import { verifyPrograms } from "../lib/verify.ts";

// npm run test:guests -- --record makes the record anew.
test("the verifier takes every program that it took when this kernel was recorded, with no more than a fifth more work", () => {
  const now: Record<string, number | string> = {};
  for (const [program, verdict] of verifyPrograms())
    now[program] = typeof verdict === "number" ? verdict : verdict.reason;
  writeFileSync(join(process.env["GUEST_FILES"]!, "programs.json"), JSON.stringify(now));
  expect(Object.keys(now).length).toBeGreaterThan(5);
  if (process.env["REEVE_RECORD"] !== undefined) return;
  const recorded = readResults(majorMinor(release()));
  expect(recorded, `kernel ${release()} has no record`).toBeDefined();
  expect(worse(now, recorded!.programs)).toEqual([]);
});
