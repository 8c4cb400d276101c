import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { TEST_KERNEL } from "../../setup/guests/kernels.mjs";
import { GuestError } from "./lib/errors.ts";
import { runInGuest } from "./lib/guest.ts";
import { guestMissing, REPO } from "./lib/kernel.ts";
import { testInGuest, type GuestTests } from "./lib/vitest.ts";

const missing = guestMissing(TEST_KERNEL);
if (missing !== undefined)
  console.warn(
    `\nSKIPPED: the kernel tests in a guest with kernel ${TEST_KERNEL} (LSM denials among them): ${missing}\n`,
  );

const MINUTES = 60_000;
/** All but the rungs that the agent does not come to on this kernel: npm run test:guests has those too. */
const FILES = [
  ...globSync("test/guests/inside/*.test.ts", { cwd: REPO }),
  ...globSync("test/guests/inside/lsm/*.test.ts", { cwd: REPO }),
].sort();

describe.skipIf(missing !== undefined)("a guest", () => {
  test(
    "brings back output, code and files, and writes nothing of this machine",
    { timeout: 10 * MINUTES },
    async () => {
      const mark = join(REPO, ".reeve/written-in-a-guest");
      const command = `uname -r; echo "$WORD" >&2; touch ${mark} && echo there > $GUEST_FILES/a; mkdir $GUEST_FILES/b; exit 3`;
      const { code, output, files, release } = await runInGuest(TEST_KERNEL, command, { env: { WORD: "it's" } });
      expect({ code, output }).toEqual({ code: 3, output: `${release}\nit's\n` });
      expect([...files].map(([name, content]) => [name, content.toString()])).toEqual([["a", "there\n"]]);
      expect(release).toMatch(/^6\.12\./);
      expect(existsSync(mark)).toBe(false);
    },
  );

  test("takes words for its kernel's command line, and says when it died", { timeout: 10 * MINUTES }, async () => {
    const panic = runInGuest(TEST_KERNEL, "cat /proc/cmdline; echo c > /proc/sysrq-trigger; sleep 100", {
      append: ["preempt=full"],
    });
    await expect(panic).rejects.toThrow(/preempt=full[^]*sysrq triggered crash/i);
    await expect(panic).rejects.toBeInstanceOf(GuestError);
  });
});

describe.skipIf(missing !== undefined)(`on kernel ${TEST_KERNEL}`, () => {
  let tests: GuestTests;
  beforeAll(async () => {
    tests = await testInGuest(TEST_KERNEL, FILES);
  }, 60 * MINUTES);

  test.each(FILES)("%s", (file) => {
    const ran = tests.files.find((one) => one.file === file);
    if (ran === undefined) expect.fail(`it did not run:\n${tests.result.output.slice(-4000)}`);
    expect(ran.failures.map(({ test: name, message }) => `${name}: ${message}`)).toEqual([]);
    expect(ran.tally.passed + ran.skips.length).toBeGreaterThan(0);
  });

  test("nothing failed outside of the tests", () => {
    expect(tests.tally.failed === 0 ? "" : tests.result.output.slice(-4000)).toBe("");
  });
});
