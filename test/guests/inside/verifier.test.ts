import { writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { worse } from "../lib/growth.ts";
import { askedBefore, majorMinor, readResults } from "../lib/results.ts";
import { objectDigests, verifyPrograms } from "../lib/verify.ts";

// npm run test:guests -- --record makes the record anew.
test("the verifier takes every program that it took when this kernel was recorded, with no more than a fifth more work", () => {
  const recorded = readResults(majorMinor(release()));
  const digests = objectDigests();
  const { known, unrecorded } = askedBefore(digests);
  const now: Record<string, number | string> = {};
  for (const [program, verdict] of Object.entries(recorded?.programs ?? {}))
    if (known.has(program.split("/")[0]!)) now[program] = verdict;
  for (const [program, verdict] of verifyPrograms({ without: new Set([...known, ...unrecorded]) }))
    now[program] = typeof verdict === "number" ? verdict : verdict.reason;
  const found = { programs: now, objects: Object.fromEntries(digests) };
  writeFileSync(join(process.env["GUEST_FILES"]!, "programs.json"), JSON.stringify(found));
  expect(digests.size).toBeGreaterThan(5);
  if (process.env["REEVE_RECORD"] !== undefined) return;
  expect(recorded, `kernel ${release()} has no record`).toBeDefined();
  expect(worse(now, recorded!.programs)).toEqual([]);
});
